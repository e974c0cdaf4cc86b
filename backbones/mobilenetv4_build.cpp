#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "backbones/backbone_place.h"
#include "backbones/mobilenetv4.h"

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

// What a block's expand convolution yields, for a block that reads a map of this stride; channels 0: it has none.
FeatureInfo expansion_of(const MobileNetV4Block& block, int64_t stride) {
  struct Expansion {
    int64_t stride;
    FeatureInfo operator()(const MobileNetV4Conv&) const { return {}; }
    FeatureInfo operator()(const FusedInvertedResidualOptions& fused) const {
      return {graph::kNone, fused.expanded_channels, stride * fused.stride};
    }
    FeatureInfo operator()(const UniversalBottleneckOptions& universal) const {
      if (!universal.expand) return {};
      return {graph::kNone, universal.expanded_channels, stride * universal.start_stride};
    }
    FeatureInfo operator()(const AttentionOptions&) const { return {}; }
  };
  return std::visit(Expansion{stride}, block);
}

NodeId add_conv(GraphBuilder& builder, NodeId src, std::string_view name, const MobileNetV4Conv& conv,
                const MobileNetV4Config& config, Antialias antialias) {
  return conv_norm_act(builder, src, name,
                       {.conv = {.out_channels = conv.out_channels,
                                 .kernel = conv.kernel,
                                 .stride = conv.stride,
                                 .padding = padding_mode(config.same_padding, conv.stride)},
                        .norm = config.norm,
                        .activation = config.activation,
                        .antialias = antialias});
}

// Adds a block with what all blocks have in common.
class AddBlock {
 public:
  // `expanded` gets what the block's expand convolution yields.
  AddBlock(GraphBuilder& builder, NodeId src, const MobileNetV4Config& config, NodeId& expanded)
      : builder_(builder), src_(src), config_(config), expanded_(expanded) {}

  NodeId operator()(const MobileNetV4Conv& conv) const {
    begin_block(builder_, "conv");
    return add_conv(builder_, src_, "conv", conv, config_, config_.antialias);
  }
  NodeId operator()(FusedInvertedResidualOptions block) const {
    block.activation = config_.activation;
    block.antialias = config_.antialias;
    return fused_inverted_residual(builder_, src_, with_common(block), &expanded_);
  }
  NodeId operator()(UniversalBottleneckOptions block) const {
    block.activation = config_.activation;
    block.antialias = config_.antialias;
    return universal_bottleneck(builder_, src_, with_common(block), &expanded_);
  }
  NodeId operator()(AttentionOptions block) const {
    block = with_common(block);
    // As in the trainer, whose norm_type reaches the convolutions alone.
    block.norm.kind = NormKind::kBatchNorm;
    return attention_block(builder_, src_, block);
  }

 private:
  template <typename Options>
  Options with_common(Options options) const {
    options.norm = config_.norm;
    options.same_padding = config_.same_padding;
    return options;
  }

  GraphBuilder& builder_;
  NodeId src_;
  const MobileNetV4Config& config_;
  NodeId& expanded_;
};

}  // namespace

int64_t out_channels_of(const MobileNetV4Block& block) {
  return std::visit([](const auto& options) { return options.out_channels; }, block);
}

int64_t stride_of(const MobileNetV4Block& block) {
  struct Stride {
    int64_t operator()(const MobileNetV4Conv& conv) const { return conv.stride; }
    int64_t operator()(const FusedInvertedResidualOptions& fused) const { return fused.stride; }
    int64_t operator()(const UniversalBottleneckOptions& universal) const {
      return universal.start_stride * universal.middle_stride;
    }
    int64_t operator()(const AttentionOptions&) const { return 1; }
  };
  return std::visit(Stride{}, block);
}

std::vector<FeatureValue> mobilenetv4_values(const MobileNetV4Config& config) {
  int64_t stride = config.stem.stride;
  std::vector<FeatureValue> values = {{.name = "stem", .level = {graph::kNone, config.stem.out_channels, stride}}};
  int flat_block = 0;
  for (size_t s = 0; s < config.stages.size(); ++s) {
    const auto& stage = config.stages[s];
    if (stage.empty()) return {};
    for (size_t b = 0; b < stage.size(); ++b, ++flat_block) {
      const std::string name = fmt::format("stage{}.block{}", s, b);
      const FeatureInfo expansion = expansion_of(stage[b], stride);
      if (expansion.channels > 0) {
        values.push_back(
            {.name = name + ".expand", .level = expansion, .flat_block = flat_block, .inside_block = true});
      }
      stride *= stride_of(stage[b]);
      values.push_back({.name = name,
                        .level = {graph::kNone, out_channels_of(stage[b]), stride},
                        .flat_block = flat_block,
                        .ends_stage = b + 1 == stage.size()});
    }
  }
  if (config.final_conv.out_channels > 0) {
    values.push_back({.name = "last_conv",
                      .level = {graph::kNone, config.final_conv.out_channels, stride * config.final_conv.stride}});
  }
  return values;
}

FeaturePyramid mobilenetv4_features(const MobileNetV4Config& config) {
  const std::vector<FeatureValue> values = mobilenetv4_values(config);
  return values.empty() ? FeaturePyramid() : select_levels(values, config.feature_levels);
}

FeaturePyramid build_mobilenetv4(GraphBuilder& builder, const MobileNetV4Config& config) {
  const std::vector<FeatureValue> values = mobilenetv4_values(config);
  PyramidBuilder pyramid(values, config.feature_levels);
  BackbonePlace place(builder, divided_block(values, config.feature_levels));
  const auto yields = [&](std::string_view name, NodeId node) { pyramid.add(name, node, builder.channels(node)); };

  place.enter_stem();
  // timm's stem has a stride also in the networks with antialiasing.
  NodeId value = add_conv(builder, builder.input(), "stem", config.stem, config, Antialias::kNone);
  yields("stem", value);

  for (size_t s = 0; s < config.stages.size(); ++s) {
    for (size_t b = 0; b < config.stages[s].size() && !pyramid.complete(); ++b) {
      const std::string name = fmt::format("stage{}.block{}", s, b);
      const GraphBuilder::Scope scope(builder, name);
      place.enter_block(s, b);
      NodeId expanded = graph::kNone;
      value = std::visit(AddBlock(builder, value, config, expanded), config.stages[s][b]);
      if (expanded != graph::kNone) yields(name + ".expand", expanded);
      yields(name, value);
    }
  }

  if (config.final_conv.out_channels > 0 && !pyramid.complete()) {
    place.enter_last_conv();
    yields("last_conv", add_conv(builder, value, "last_conv", config.final_conv, config, Antialias::kNone));
  }
  return pyramid.levels();
}

BackboneDefinition define_mobilenetv4(const ConfigNode& backbone) {
  const auto config = std::make_shared<const MobileNetV4Config>(decode_mobilenetv4(backbone));
  BackboneDefinition definition;
  definition.in_channels = config->in_channels;
  definition.build = [config](GraphBuilder& builder) { return build_mobilenetv4(builder, *config); };
  if (!config->stages.empty()) definition.features = mobilenetv4_features(*config);
  definition.returned_levels = config->returned_stages;
  if (config->returned_by_default) definition.levels_key = "return_stage_idx";
  return definition;
}

}  // namespace zoo::backbones
