#include "backbones/inverted_residual_net.h"

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "backbones/backbone_place.h"

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kStemKernel = 3;
constexpr int64_t kStemStride = 2;

InvertedResidualOptions block_options(const InvertedResidualNetConfig& config, const InvertedResidualBlock& block) {
  InvertedResidualOptions options = {.expanded_channels = block.expanded_channels,
                                     .out_channels = block.out_channels,
                                     .kernel = block.kernel,
                                     .stride = block.stride,
                                     .dilation = block.dilation,
                                     .activation = block.activation,
                                     .project_activation = block.project_activation,
                                     .norm = config.norm,
                                     .same_padding = config.same_padding};
  options.skip = block.use_skip && block.stride == 1 && block.in_channels == block.out_channels;
  if (block.use_se) {
    options.squeeze_excite = SqueezeExciteOptions{
        .squeezed = make_divisible(block.expanded_channels / block.se_reduction, config.se_divisor),
        .inner = config.se_activation.value_or(block.activation)};
  }
  return options;
}

}  // namespace

std::vector<FeatureValue> inverted_residual_net_values(const InvertedResidualNetConfig& config) {
  int64_t stride = kStemStride;
  std::vector<FeatureValue> values = {{.name = "stem", .level = {graph::kNone, config.stem_channels, stride}}};
  int flat_block = 0;
  for (size_t s = 0; s < config.stages.size(); ++s) {
    const auto& stage = config.stages[s];
    if (stage.empty()) return {};
    for (size_t b = 0; b < stage.size(); ++b, ++flat_block) {
      const InvertedResidualBlock& block = stage[b];
      const std::string name = fmt::format("stage{}.block{}", s, b);
      if (block.expanded_channels != block.in_channels) {
        values.push_back({.name = name + ".expand",
                          .level = {graph::kNone, block.expanded_channels, stride},
                          .flat_block = flat_block,
                          .inside_block = true});
      }
      stride *= block.stride;
      values.push_back({.name = name,
                        .level = {graph::kNone, block.out_channels, stride},
                        .flat_block = flat_block,
                        .ends_stage = b + 1 == stage.size()});
    }
  }
  if (config.last_conv_channels > 0) {
    values.push_back({.name = "last_conv", .level = {graph::kNone, config.last_conv_channels, stride}});
  }
  return values;
}

FeaturePyramid inverted_residual_net_features(const InvertedResidualNetConfig& config) {
  const std::vector<FeatureValue> values = inverted_residual_net_values(config);
  return values.empty() ? FeaturePyramid() : select_levels(values, config.feature_levels);
}

FeaturePyramid build_inverted_residual_net(GraphBuilder& builder, const InvertedResidualNetConfig& config) {
  const std::vector<FeatureValue> values = inverted_residual_net_values(config);
  PyramidBuilder pyramid(values, config.feature_levels);
  BackbonePlace place(builder, divided_block(values, config.feature_levels));

  place.enter_stem();
  NodeId value = conv_norm_act(builder, builder.input(), "stem",
                               {.conv = {.out_channels = config.stem_channels,
                                         .kernel = kStemKernel,
                                         .stride = kStemStride,
                                         .bias = config.stem_bias,
                                         .padding = padding_mode(config.same_padding, kStemStride)},
                                .norm = config.norm,
                                .activation = config.stem_activation});
  const auto yields = [&](std::string_view name, NodeId node) { pyramid.add(name, node, builder.channels(node)); };
  yields("stem", value);

  for (size_t s = 0; s < config.stages.size(); ++s) {
    for (size_t b = 0; b < config.stages[s].size() && !pyramid.complete(); ++b) {
      const std::string name = fmt::format("stage{}.block{}", s, b);
      const GraphBuilder::Scope scope(builder, name);
      place.enter_block(s, b);
      NodeId expanded = graph::kNone;
      value = inverted_residual(builder, value, block_options(config, config.stages[s][b]), &expanded);
      if (expanded != graph::kNone) yields(name + ".expand", expanded);
      yields(name, value);
    }
  }

  if (config.last_conv_channels > 0 && !pyramid.complete()) {
    for (int64_t layer = 0; layer < config.last_conv_layers; ++layer) {
      place.enter_last_conv();
      value = conv_norm_act(builder, value, layer == 0 ? "last_conv" : fmt::format("last_conv{}", layer),
                            {.conv = {.out_channels = config.last_conv_channels},
                             .norm = config.norm,
                             .activation = config.last_conv_activation,
                             .part = "last_conv"});
    }
    yields("last_conv", value);
  }
  return pyramid.levels();
}

BackboneDefinition define_inverted_residual_net(InvertedResidualNetConfig config) {
  BackboneDefinition definition;
  definition.in_channels = config.in_channels;
  definition.head_channels = config.head_channels;
  if (!config.stages.empty()) definition.features = inverted_residual_net_features(config);
  const auto shared = std::make_shared<const InvertedResidualNetConfig>(std::move(config));
  definition.build = [shared](GraphBuilder& builder) { return build_inverted_residual_net(builder, *shared); };
  return definition;
}

}  // namespace zoo::backbones
