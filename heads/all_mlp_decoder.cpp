#include "heads/all_mlp_decoder.h"

#include <string_view>

#include <fmt/format.h>

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxChannels = 16384;
// torch's default, which the trainer keeps in its heads.
constexpr double kNormEps = 1e-5;

ParameterRole role_of(std::string_view part) {
  return {.section = Section::kHead, .block = "all_mlp_decoder", .part = std::string(part)};
}

NodeId conv_norm_relu(GraphBuilder& builder, NodeId src, std::string_view name, int64_t channels) {
  const GraphBuilder::Scope scope(builder, name);
  NodeId value = builder.conv(src, "conv", {.out_channels = channels});
  value = builder.batch_norm(value, "norm", kNormEps);
  return builder.activation(value, "act", ActivationKind::kRelu);
}

}  // namespace

AllMlpDecoderConfig decode_all_mlp_decoder(const ConfigNode& head, const HeadContext& context) {
  const ConfigNode params = head.at("params");
  params.ignore("classifier_dropout_prob", "dropout acts in training only");
  return {.num_classes = context.num_classes,
          .channels = params.at("intermediate_channels").as_int_in(1, kMaxChannels, 1)};
}

void build_all_mlp_decoder(GraphBuilder& builder, const std::vector<FeatureLevel>& features,
                           const AllMlpDecoderConfig& config) {
  std::vector<NodeId> values;
  for (size_t i = 0; i < features.size(); ++i) {
    ParameterRole role = role_of("level");
    role.set_count("level", static_cast<int>(i));
    builder.set_role(role);
    const NodeId value = conv_norm_relu(builder, features[i].value, fmt::format("level{}", i), config.channels);
    values.push_back(i == 0 ? value
                            : builder.resize_like(value, values.front(), fmt::format("level{}.enlarge", i),
                                                  graph::ResizeMode::kBilinear));
  }
  const NodeId joined = builder.concat(values, "join");
  builder.set_role(role_of("fuse"));
  const NodeId fused = conv_norm_relu(builder, joined, "fuse", config.channels);
  builder.set_role(role_of("classifier"));
  builder.output("logits", builder.conv(fused, "classifier", {.out_channels = config.num_classes, .bias = true}));
}

HeadDefinition define_all_mlp_decoder(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_all_mlp_decoder(head, context)](GraphBuilder& builder,
                                                                    const std::vector<FeatureLevel>& features) {
    build_all_mlp_decoder(builder, features, config);
  }};
}

}  // namespace zoo::heads
