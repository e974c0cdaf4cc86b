#include "my_head.h"

#include <cstdint>
#include <vector>

#include <backbone_zoo/heads/registry.h>
#include <backbone_zoo/nn/core/activation_config.h>

namespace {

using zoo::ConfigNode;
using zoo::graph::GraphBuilder;
using zoo::graph::NodeId;
using zoo::heads::FeatureLevel;
using zoo::heads::HeadContext;
using zoo::heads::HeadDefinition;

constexpr int64_t kMaxChannels = 4096;

// Coarsest level -> 1x1 convolution -> activation -> mean -> classes.
HeadDefinition define_pointwise(const ConfigNode& head, const HeadContext& context) {
  const ConfigNode params = head.at("params");
  const int64_t channels = params.at("channels").as_int_in(1, kMaxChannels, 1);
  const zoo::ActivationKind activation = zoo::decode_activation(params.find("act_type"), zoo::ActivationKind::kRelu);
  const int64_t num_classes = context.num_classes;
  return {.build = [=](GraphBuilder& builder, const std::vector<FeatureLevel>& features) {
    builder.set_role({.section = zoo::Section::kHead, .block = "pointwise", .part = "conv"});
    NodeId value = builder.conv(features.back().value, "conv", {.out_channels = channels, .bias = true});
    value = builder.activation(value, "act", activation);
    value = builder.flatten(builder.global_avg_pool(value, "pool"), "flatten");
    builder.set_role({.section = zoo::Section::kHead, .block = "pointwise", .part = "classifier"});
    builder.output("logits", builder.linear(value, "classifier", num_classes, true));
  }};
}

}  // namespace

void register_pointwise_head() {
  zoo::heads::HeadRegistry::global().add(zoo::Task::kClassification, "pointwise", define_pointwise);
}
