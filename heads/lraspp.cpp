#include "heads/lraspp.h"

#include <fmt/format.h>

#include "heads/level_choice.h"

namespace zoo::heads {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

constexpr int64_t kMaxChannels = 16384;
// Where torchvision and the paper's figure 10 take the finer level.
constexpr int64_t kLowStride = 8;

void set_part(GraphBuilder& builder, std::string_view part) {
  builder.set_role({.section = Section::kHead, .block = "lraspp", .part = std::string(part)});
}

}  // namespace

LrAsppConfig decode_lraspp(const ConfigNode& head, const HeadContext& context) {
  LrAsppConfig config;
  config.num_classes = context.num_classes;
  const std::optional<size_t> low = decode_level(head, "low_stride", context, kLowStride);
  const std::optional<size_t> high = decode_level(head, "high_stride", context, 0);
  if (low && high) {
    config.low = *low;
    config.high = *high;
    const int64_t low_stride = context.features[*low].stride;
    const int64_t high_stride = context.features[*high].stride;
    if (low_stride >= high_stride) {
      head.problem(fmt::format("needs a second level that is coarser than stride {}, but would read one of stride {}",
                               low_stride, high_stride));
    }
  }
  const ConfigNode params = head.find("params");
  if (const ConfigNode node = params.find("inter_channels")) {
    config.inter_channels = node.as_int_in(1, kMaxChannels, 1);
  }
  decode_norm_act(params, config.norm_act);
  return config;
}

void build_lraspp(GraphBuilder& builder, const std::vector<FeatureLevel>& features, const LrAsppConfig& config) {
  const NodeId low = features[config.low].value;
  const NodeId high = features[config.high].value;
  builder.output("feature.low", low);
  builder.output("feature.high", high);
  set_part(builder, "branch");
  NodeId value = conv_norm_act(builder, high, "branch", {.out_channels = config.inter_channels}, config.norm_act);
  set_part(builder, "gate");
  NodeId gate = builder.global_avg_pool(high, "gate.pool");
  gate = builder.conv(gate, "gate.conv", {.out_channels = config.inter_channels});
  gate = builder.activation(gate, "gate.act", ActivationKind::kSigmoid);
  value = builder.mul(value, gate, "scale");
  value = builder.resize_like(value, low, "to_low", graph::ResizeMode::kBilinear);

  set_part(builder, "low_classifier");
  const graph::ConvOptions classifier = {.out_channels = config.num_classes, .bias = true};
  const NodeId low_scores = builder.conv(low, "low_classifier", classifier);
  set_part(builder, "high_classifier");
  value = builder.add(low_scores, builder.conv(value, "high_classifier", classifier), "add");
  builder.output("logits", builder.resize_like(value, builder.input(), "upsample", graph::ResizeMode::kBilinear));
}

HeadDefinition define_lraspp(const ConfigNode& head, const HeadContext& context) {
  return {.build = [config = decode_lraspp(head, context)](GraphBuilder& builder,
                                                           const std::vector<FeatureLevel>& features) {
    build_lraspp(builder, features, config);
  }};
}

}  // namespace zoo::heads
