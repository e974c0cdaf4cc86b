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
  ParameterRole role = {.section = Section::kHead,
                        .part = Part::kHeadHidden,
                        .head_layer = 0,
                        .head_layers = static_cast<int>(config.hidden.num_layers)};
  for (; role.head_layer < role.head_layers - 1; ++role.head_layer) {
    const graph::GraphBuilder::Scope scope(builder, fmt::format("hidden{}", role.head_layer));
    builder.set_role(role);
    value = builder.linear(value, "linear", config.hidden.intermediate_channels, config.intermediate_bias);
    value = builder.activation(value, "act", config.hidden.activation);
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
