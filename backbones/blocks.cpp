#include "backbones/blocks.h"

#include <algorithm>

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

void set_part(GraphBuilder& builder, Part part) {
  ParameterRole role = builder.role();
  role.part = part;
  builder.set_role(role);
}

void next_part(GraphBuilder& builder) {
  ParameterRole role = builder.role();
  ++role.part_index;
  builder.set_role(role);
}

}  // namespace

NodeId conv_norm_act(GraphBuilder& builder, NodeId src, std::string_view name, Part part,
                     const ConvNormActOptions& options) {
  const GraphBuilder::Scope scope(builder, name);
  set_part(builder, part);
  NodeId value = builder.conv(src, "conv", options.conv);
  switch (options.norm.kind) {
    case NormKind::kBatchNorm:
      value = builder.batch_norm(value, "norm", options.norm.eps);
      break;
    case NormKind::kInstanceNorm:
      value = builder.instance_norm(value, "norm", options.norm.eps);
      break;
  }
  return builder.activation(value, "act", options.activation);
}

NodeId squeeze_excite(GraphBuilder& builder, NodeId src, std::string_view name, const SqueezeExciteOptions& options) {
  const GraphBuilder::Scope scope(builder, name);
  NodeId gate = builder.global_avg_pool(src, "pool");
  set_part(builder, Part::kSqueezeReduce);
  gate = builder.conv(gate, "reduce", {.out_channels = options.squeezed, .bias = true});
  gate = builder.activation(gate, "act", options.inner);
  set_part(builder, Part::kSqueezeExpand);
  gate = builder.conv(gate, "expand", {.out_channels = builder.channels(src), .bias = true});
  gate = builder.activation(gate, "gate", options.gate);
  return builder.mul(src, gate, "scale");
}

NodeId inverted_residual(GraphBuilder& builder, NodeId src, const InvertedResidualOptions& options) {
  const bool expands = options.expanded_channels != builder.channels(src);
  ParameterRole role = builder.role();
  role.block_kind = expands ? BlockKind::kInvertedResidual : BlockKind::kDepthwiseSeparable;
  role.part_index = 0;
  builder.set_role(role);

  NodeId value = src;
  if (expands) {
    value = conv_norm_act(
        builder, value, "expand", Part::kExpand,
        {.conv = {.out_channels = options.expanded_channels}, .norm = options.norm, .activation = options.activation});
    next_part(builder);
  }
  value = conv_norm_act(builder, value, "depthwise", Part::kDepthwise,
                        {.conv = {.out_channels = options.expanded_channels,
                                  .kernel = options.kernel,
                                  .stride = options.stride,
                                  .dilation = options.dilation,
                                  .groups = options.expanded_channels,
                                  .padding = padding_mode(options.same_padding, options.stride)},
                         .norm = options.norm,
                         .activation = options.activation});
  next_part(builder);
  if (options.squeeze_excite) {
    value = squeeze_excite(builder, value, "se", *options.squeeze_excite);
    next_part(builder);
  }
  value = conv_norm_act(builder, value, "project", Part::kProject,
                        {.conv = {.out_channels = options.out_channels}, .norm = options.norm});
  return options.skip ? builder.add(src, value, "add") : value;
}

graph::PaddingMode padding_mode(bool same_padding, int64_t stride) {
  return same_padding && stride > 1 ? graph::PaddingMode::kSame : graph::PaddingMode::kExplicit;
}

int64_t make_divisible(int64_t value, int64_t divisor) {
  const int64_t nearest = std::max(divisor, (2 * value + divisor) / (2 * divisor) * divisor);
  return 10 * nearest < 9 * value ? nearest + divisor : nearest;
}

}  // namespace zoo::backbones
