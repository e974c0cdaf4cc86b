#include "backbones/mobilenetv3.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

// Stem, blocks and last convolution in order: the values a pyramid can be made of.
FeaturePyramid all_values(const MobileNetV3Config& config) {
  int64_t stride = 2;
  FeaturePyramid values = {{graph::kNone, config.stem_channels, stride}};
  for (const auto& stage : config.stages) {
    for (const MobileNetV3Block& block : stage) {
      stride *= block.stride;
      values.push_back({graph::kNone, block.out_channels, stride});
    }
  }
  values.push_back({graph::kNone, config.last_conv_channels, stride});
  return values;
}

std::vector<size_t> selected_values(const MobileNetV3Config& config, const FeaturePyramid& values) {
  std::vector<size_t> selected;
  switch (config.feature_levels) {
    case FeatureLevels::kBlocks:
      for (size_t i = 0; i < values.size(); ++i) selected.push_back(i);
      break;
    case FeatureLevels::kStrides:
      for (size_t i = 0; i < values.size(); ++i) {
        if (!selected.empty() && values[selected.back()].stride == values[i].stride) selected.pop_back();
        selected.push_back(i);
      }
      break;
    case FeatureLevels::kStages: {
      size_t last = 0;
      for (const auto& stage : config.stages) selected.push_back(last += stage.size());
      selected.back() = values.size() - 1;
      break;
    }
  }
  return selected;
}

FeaturePyramid pyramid_of(const MobileNetV3Config& config, const FeaturePyramid& values) {
  FeaturePyramid pyramid;
  for (const size_t i : selected_values(config, values)) pyramid.push_back(values[i]);
  return pyramid;
}

InvertedResidualOptions block_options(const MobileNetV3Config& config, const MobileNetV3Block& block) {
  InvertedResidualOptions options = {.expanded_channels = block.expanded_channels,
                                     .out_channels = block.out_channels,
                                     .kernel = block.kernel,
                                     .stride = block.stride,
                                     .dilation = block.dilation,
                                     .activation = block.activation,
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

FeaturePyramid mobilenetv3_features(const MobileNetV3Config& config) { return pyramid_of(config, all_values(config)); }

FeaturePyramid build_mobilenetv3(GraphBuilder& builder, const MobileNetV3Config& config) {
  ParameterRole outside_blocks = {.section = Section::kBackbone, .stages = static_cast<int>(config.stages.size())};
  for (const auto& stage : config.stages) outside_blocks.total_blocks += static_cast<int>(stage.size());

  builder.set_role(outside_blocks);
  NodeId value = conv_norm_act(builder, builder.input(), "stem", Part::kStem,
                               {.conv = {.out_channels = config.stem_channels,
                                         .kernel = 3,
                                         .stride = 2,
                                         .padding = padding_mode(config.same_padding, 2)},
                                .norm = config.norm,
                                .activation = config.stem_activation});
  std::vector<NodeId> nodes = {value};

  ParameterRole role = outside_blocks;
  role.flat_block = 0;
  for (role.stage = 0; role.stage < role.stages; ++role.stage) {
    const auto& stage = config.stages[static_cast<size_t>(role.stage)];
    role.blocks_in_stage = static_cast<int>(stage.size());
    role.block = 0;
    for (const MobileNetV3Block& block : stage) {
      const GraphBuilder::Scope scope(builder, fmt::format("stage{}.block{}", role.stage, role.block));
      builder.set_role(role);
      value = inverted_residual(builder, value, block_options(config, block));
      nodes.push_back(value);
      ++role.block;
      ++role.flat_block;
    }
  }

  // The trainer counts the last convolution as one more block of its last stage.
  role.stage = role.stages - 1;
  builder.set_role(role);
  nodes.push_back(conv_norm_act(builder, value, "last_conv", Part::kLastConv,
                                {.conv = {.out_channels = config.last_conv_channels},
                                 .norm = config.norm,
                                 .activation = config.last_conv_activation}));

  FeaturePyramid values = all_values(config);
  for (size_t i = 0; i < values.size(); ++i) values[i].value = nodes[i];
  return pyramid_of(config, values);
}

BackboneDefinition define_mobilenetv3(const ConfigNode& backbone) {
  const auto config = std::make_shared<const MobileNetV3Config>(decode_mobilenetv3(backbone));
  BackboneDefinition definition;
  definition.in_channels = config->in_channels;
  definition.build = [config](GraphBuilder& builder) { return build_mobilenetv3(builder, *config); };
  if (!config->stages.empty()) definition.features = mobilenetv3_features(*config);
  definition.head_channels = config->head_channels;
  return definition;
}

}  // namespace zoo::backbones
