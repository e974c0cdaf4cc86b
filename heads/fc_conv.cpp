#include "heads/fc_conv.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "nn/core/activation_config.h"
#include "nn/core/config_number.h"

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

PoolPosition read_pool(const ConfigNode& node) {
  const std::array<std::string, 2> choices = {"first", "last"};
  return node && node.as_choice(choices, "pooling") == size_t{1} ? PoolPosition::kLast : PoolPosition::kFirst;
}

NodeId hidden_layer(GraphBuilder& builder, NodeId src, std::string_view name, const FcConvConfig& config) {
  const GraphBuilder::Scope scope(builder, name);
  NodeId value = builder.conv(src, "conv", {.out_channels = config.hidden.intermediate_channels});
  switch (config.norm) {
    case NormKind::kBatchNorm:
      value = builder.batch_norm(value, "norm", config.norm_eps);
      break;
    case NormKind::kInstanceNorm:
      value = builder.instance_norm(value, "norm", config.norm_eps);
      break;
  }
  return builder.activation(value, "act", config.hidden.activation);
}

}  // namespace

FcConvConfig decode_fc_conv(const ConfigNode& head, const HeadContext& context) {
  FcConvConfig config;
  config.num_classes = context.num_classes;
  const ConfigNode params = head.find("params");
  config.hidden = decode_hidden_layers(params, context, {"norm_type", "norm_eps", "pooling"});
  if (config.hidden.num_layers == 1) return config;
  const ConfigNode norm = params.find("norm_type");
  config.norm = decode_norm(norm, config.norm);
  config.norm_eps = read_norm_eps(params.find("norm_eps"), config.norm_eps);
  config.pool = read_pool(params.find("pooling"));
  if (config.pool == PoolPosition::kFirst && config.norm == NormKind::kInstanceNorm) {
    norm.problem("instance_norm of a single pixel is zero whatever the picture; needs pooling: last");
  }
  return config;
}

void build_fc_conv(GraphBuilder& builder, const std::vector<FeatureLevel>& features, const FcConvConfig& config) {
  const bool pools_first = config.pool == PoolPosition::kFirst;
  NodeId value = features.back().value;
  if (pools_first) value = builder.global_avg_pool(value, "pool");
  const auto layers = static_cast<int>(config.hidden.num_layers);
  const auto role = [layers](std::string_view part, int layer) {
    return ParameterRole{.section = Section::kHead,
                         .block = "fc_conv",
                         .part = std::string(part),
                         .counts = {{"layer", layer}, {"layers", layers}}};
  };
  for (int layer = 0; layer < layers - 1; ++layer) {
    builder.set_role(role(pools_first ? "hidden" : "hidden_before_pool", layer));
    value = hidden_layer(builder, value, fmt::format("hidden{}", layer), config);
  }
  if (!pools_first) value = builder.global_avg_pool(value, "pool");
  value = builder.flatten(value, "flatten");
  builder.set_role(role("classifier", layers - 1));
  builder.output("logits", builder.linear(value, "classifier", config.num_classes, true));
}

HeadDefinition define_fc_conv(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_fc_conv(head, context)](GraphBuilder& builder,
                                                            const std::vector<FeatureLevel>& features) {
    build_fc_conv(builder, features, config);
  }};
}

}  // namespace zoo::heads
