#include "heads/fc.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/activation_config.h"

namespace zoo::heads {
namespace {

constexpr int64_t kMaxLayers = 16;
constexpr int64_t kMaxChannels = 16384;
constexpr std::array<std::string_view, 2> kActType = {"act_type", "activation"};

}  // namespace

FcConfig decode_fc(const ConfigNode& head, const HeadContext& context) {
  FcConfig config;
  config.num_classes = context.num_classes;
  const ConfigNode params = head.find("params");
  if (const ConfigNode node = params.find("num_layers")) config.num_layers = node.as_int_in(1, kMaxLayers, 1);
  params.ignore("dropout_prob", "dropout acts in training only");
  if (config.num_layers == 1) {
    for (const char* key : {"intermediate_channels", "act_type", "activation", "intermediate_bias"}) {
      params.ignore(key, "a head with num_layers 1 has no hidden layer");
    }
    return config;
  }

  const ConfigNode channels = params.find("intermediate_channels");
  if (channels || context.head_channels == 0) {
    config.intermediate_channels =
        (channels ? channels : params.at("intermediate_channels")).as_int_in(1, kMaxChannels, 1);
    if (channels && context.head_channels != 0 && config.intermediate_channels != context.head_channels) {
      channels.problem(fmt::format("{}, but last_channels of the backbone is {}", config.intermediate_channels,
                                   context.head_channels));
    }
  } else {
    config.intermediate_channels = context.head_channels;
  }
  const ConfigNode activation = params.find_any(kActType);
  config.activation = decode_activation(activation ? activation : params.at("act_type"), config.activation);
  if (const ConfigNode node = params.find("intermediate_bias")) config.intermediate_bias = node.as_bool(true);
  return config;
}

void build_fc(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features, const FcConfig& config) {
  graph::NodeId value = builder.global_avg_pool(features.back().value, "pool");
  value = builder.flatten(value, "flatten");
  ParameterRole role = {.section = Section::kHead,
                        .part = Part::kHeadHidden,
                        .head_layer = 0,
                        .head_layers = static_cast<int>(config.num_layers)};
  for (; role.head_layer < role.head_layers - 1; ++role.head_layer) {
    const graph::GraphBuilder::Scope scope(builder, fmt::format("hidden{}", role.head_layer));
    builder.set_role(role);
    value = builder.linear(value, "linear", config.intermediate_channels, config.intermediate_bias);
    value = builder.activation(value, "act", config.activation);
  }
  role.part = Part::kClassifier;
  builder.set_role(role);
  builder.output("logits", builder.linear(value, "classifier", config.num_classes, true));
}

HeadDefinition define_fc(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_fc(head, context)](graph::GraphBuilder& builder,
                                                       const std::vector<FeatureLevel>& features) {
    build_fc(builder, features, config);
  }};
}

}  // namespace zoo::heads
