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
  ParameterRole outside_blocks = {.section = Section::kBackbone, .family = config.family};
  outside_blocks.stages = static_cast<int>(config.stages.size());
  for (const auto& stage : config.stages) outside_blocks.total_blocks += static_cast<int>(stage.size());
  std::vector<FeatureValue> values = inverted_residual_net_values(config);
  outside_blocks.divided_block = divided_block(values, config.feature_levels);
  const size_t needed = values_needed(config.feature_levels, values.size());

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
      if (nodes.size() >= needed) break;
      const GraphBuilder::Scope scope(builder, fmt::format("stage{}.block{}", role.stage, role.block));
      builder.set_role(role);
      NodeId expanded = graph::kNone;
      value = inverted_residual(builder, value, block_options(config, block), &expanded);
      if (expanded != graph::kNone) nodes.push_back(expanded);
      nodes.push_back(value);
      ++role.block;
      ++role.flat_block;
    }
  }

  if (config.last_conv_channels > 0 && nodes.size() < needed) {
    // The trainer counts the last convolution as one more block of its last stage.
    role.stage = role.stages - 1;
    builder.set_role(role);
    nodes.push_back(conv_norm_act(builder, value, "last_conv", Part::kLastConv,
                                  {.conv = {.out_channels = config.last_conv_channels},
                                   .norm = config.norm,
                                   .activation = config.last_conv_activation}));
  }

  for (size_t i = 0; i < nodes.size(); ++i) values[i].level.value = nodes[i];
  return select_levels(values, config.feature_levels);
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
