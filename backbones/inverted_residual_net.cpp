#include "backbones/inverted_residual_net.h"

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kStemKernel = 3;
constexpr int64_t kStemStride = 2;

// Stem, blocks and last convolution in order: the values a pyramid can be made of.
FeaturePyramid all_values(const InvertedResidualNetConfig& config) {
  int64_t stride = kStemStride;
  FeaturePyramid values = {{graph::kNone, config.stem_channels, stride}};
  for (const auto& stage : config.stages) {
    for (const InvertedResidualBlock& block : stage) {
      stride *= block.stride;
      values.push_back({graph::kNone, block.out_channels, stride});
    }
  }
  if (config.last_conv_channels > 0) values.push_back({graph::kNone, config.last_conv_channels, stride});
  return values;
}

FeaturePyramid pyramid_of(const InvertedResidualNetConfig& config, const FeaturePyramid& values) {
  std::vector<size_t> stage_lengths;
  for (const auto& stage : config.stages) stage_lengths.push_back(stage.size());
  return select_levels(values, stage_lengths, config.feature_levels);
}

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

FeaturePyramid inverted_residual_net_features(const InvertedResidualNetConfig& config) {
  return pyramid_of(config, all_values(config));
}

FeaturePyramid build_inverted_residual_net(GraphBuilder& builder, const InvertedResidualNetConfig& config) {
  ParameterRole outside_blocks = {.section = Section::kBackbone, .family = config.family};
  outside_blocks.stages = static_cast<int>(config.stages.size());
  for (const auto& stage : config.stages) outside_blocks.total_blocks += static_cast<int>(stage.size());

  builder.set_role(outside_blocks);
  NodeId value = conv_norm_act(builder, builder.input(), "stem", Part::kStem,
                               {.conv = {.out_channels = config.stem_channels,
                                         .kernel = kStemKernel,
                                         .stride = kStemStride,
                                         .bias = config.stem_bias,
                                         .padding = padding_mode(config.same_padding, kStemStride)},
                                .norm = config.norm,
                                .activation = config.stem_activation});
  std::vector<NodeId> nodes = {value};

  ParameterRole role = outside_blocks;
  role.flat_block = 0;
  for (role.stage = 0; role.stage < role.stages; ++role.stage) {
    const auto& stage = config.stages[static_cast<size_t>(role.stage)];
    role.blocks_in_stage = static_cast<int>(stage.size());
    role.block = 0;
    for (const InvertedResidualBlock& block : stage) {
      const GraphBuilder::Scope scope(builder, fmt::format("stage{}.block{}", role.stage, role.block));
      builder.set_role(role);
      value = inverted_residual(builder, value, block_options(config, block));
      nodes.push_back(value);
      ++role.block;
      ++role.flat_block;
    }
  }

  if (config.last_conv_channels > 0) {
    // The trainer counts the last convolution as one more block of its last stage.
    role.stage = role.stages - 1;
    for (int64_t layer = 0; layer < config.last_conv_layers; ++layer) {
      const std::string name = layer == 0 ? "last_conv" : fmt::format("last_conv{}", layer);
      builder.set_role(role);
      value = conv_norm_act(builder, value, name, Part::kLastConv,
                            {.conv = {.out_channels = config.last_conv_channels},
                             .norm = config.norm,
                             .activation = config.last_conv_activation});
      ++role.block;
    }
    nodes.push_back(value);
  }

  FeaturePyramid values = all_values(config);
  for (size_t i = 0; i < values.size(); ++i) values[i].value = nodes[i];
  return pyramid_of(config, values);
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
