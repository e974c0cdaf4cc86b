#include "heads/fc.h"

#include <fmt/format.h>

namespace zoo::heads {

FcConfig decode_fc(const ConfigNode& head, const HeadContext& context) {
  FcConfig config;
  config.num_classes = context.num_classes;
  const ConfigNode params = head.find("params");
  config.hidden = decode_hidden_layers(params, context, {"intermediate_bias"});
  if (const ConfigNode node = params.find("intermediate_bias"); node && config.hidden.num_layers > 1) {
    config.intermediate_bias = node.as_bool(true);
  }
  return config;
}

void build_fc(graph::GraphBuilder& builder, const std::vector<FeatureLevel>& features, const FcConfig& config) {
  graph::NodeId value = builder.global_avg_pool(features.back().value, "pool");
  value = builder.flatten(value, "flatten");
  const auto layers = static_cast<int>(config.hidden.num_layers);
  const auto role = [layers](std::string_view part, int layer) {
    return ParameterRole{.section = Section::kHead,
                         .block = "fc",
                         .part = std::string(part),
                         .counts = {{"layer", layer}, {"layers", layers}}};
  };
  for (int layer = 0; layer < layers - 1; ++layer) {
    const graph::GraphBuilder::Scope scope(builder, fmt::format("hidden{}", layer));
    builder.set_role(role("hidden", layer));
    value = builder.linear(value, "linear", config.hidden.intermediate_channels, config.intermediate_bias);
    value = builder.activation(value, "act", config.hidden.activation);
  }
  builder.set_role(role("classifier", layers - 1));
  builder.output("logits", builder.linear(value, "classifier", config.num_classes, true));
}

HeadDefinition define_fc(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_fc(head, context)](graph::GraphBuilder& builder,
                                                       const std::vector<FeatureLevel>& features) {
    build_fc(builder, features, config);
  }};
}

}  // namespace zoo::heads
