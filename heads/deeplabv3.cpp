#include "heads/deeplabv3.h"

#include <string_view>

#include <fmt/format.h>

#include "heads/level_choice.h"

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxChannels = 16384;
constexpr int64_t kMaxRate = 256;

void set_part(GraphBuilder& builder, std::string_view part) {
  builder.set_role({.section = Section::kHead, .block = "deeplabv3", .part = std::string(part)});
}

void set_branch(GraphBuilder& builder, std::string_view part, int branch) {
  builder.set_role(
      {.section = Section::kHead, .block = "deeplabv3", .part = std::string(part), .counts = {{"position", branch}}});
}

// Atrous spatial pyramid pooling: the branches and what joins them.
NodeId pyramid_pooling(GraphBuilder& builder, NodeId src, const DeepLabV3Config& config) {
  const graph::GraphBuilder::Scope scope(builder, "aspp");
  const auto add = [&](NodeId input, std::string_view name, const graph::ConvOptions& conv) {
    return conv_norm_act(builder, input, name, conv, config.norm_act);
  };
  const graph::ConvOptions pointwise = {.out_channels = config.channels};
  int branch = 0;
  set_branch(builder, "branch", branch);
  std::vector<NodeId> branches = {add(src, "branch0", pointwise)};
  for (const int64_t rate : config.atrous_rates) {
    ++branch;
    set_branch(builder, "branch", branch);
    branches.push_back(
        add(src, fmt::format("branch{}", branch), {.out_channels = config.channels, .kernel = 3, .dilation = rate}));
  }
  set_branch(builder, "pooled_branch", branch + 1);
  const NodeId pooled = add(builder.global_avg_pool(src, "pooled.pool"), "pooled", pointwise);
  branches.push_back(builder.resize_like(pooled, src, "pooled.spread", graph::ResizeMode::kBilinear));
  set_part(builder, "merge");
  return add(builder.concat(branches, "concat"), "merge", pointwise);
}

}  // namespace

DeepLabV3Config decode_deeplabv3(const ConfigNode& head, const HeadContext& context) {
  DeepLabV3Config config;
  config.num_classes = context.num_classes;
  config.level = decode_level(head, "in_stride", context, 0).value_or(0);
  const ConfigNode params = head.find("params");
  if (const ConfigNode node = params.find("atrous_rates")) {
    config.atrous_rates.clear();
    for (const ConfigNode& item : node.items()) config.atrous_rates.push_back(item.as_int_in(1, kMaxRate, 1));
  }
  if (const ConfigNode node = params.find("channels")) config.channels = node.as_int_in(1, kMaxChannels, 1);
  params.ignore("dropout_prob", "dropout acts in training only");
  decode_norm_act(params, config.norm_act);
  return config;
}

void build_deeplabv3(GraphBuilder& builder, const std::vector<FeatureLevel>& features, const DeepLabV3Config& config) {
  builder.output("feature.out", features[config.level].value);
  NodeId value = pyramid_pooling(builder, features[config.level].value, config);
  set_part(builder, "refine");
  value = conv_norm_act(builder, value, "refine", {.out_channels = config.channels, .kernel = 3}, config.norm_act);
  set_part(builder, "classifier");
  value = builder.conv(value, "classifier", {.out_channels = config.num_classes, .bias = true});
  builder.output("logits", builder.resize_like(value, builder.input(), "upsample", graph::ResizeMode::kBilinear));
}

HeadDefinition define_deeplabv3(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_deeplabv3(head, context)](GraphBuilder& builder,
                                                              const std::vector<FeatureLevel>& features) {
    build_deeplabv3(builder, features, config);
  }};
}

}  // namespace zoo::heads
