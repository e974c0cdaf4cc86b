#include "backbones/blocks.h"

#include <algorithm>

namespace zoo::backbones {

using graph::GraphBuilder;
using graph::NodeId;

namespace {

// Position among the parts that a block really has: torch's Sequential counts so.
constexpr std::string_view kPosition = "position";

void set_part(GraphBuilder& builder, std::string_view part) {
  ParameterRole role = builder.role();
  role.part = part;
  builder.set_role(role);
}

void next_part(GraphBuilder& builder) {
  ParameterRole role = builder.role();
  role.set_count(kPosition, role.count(kPosition).value_or(0) + 1);
  builder.set_role(role);
}

// Layer scale and skip, in this order also where there is no skip.
NodeId end_block(GraphBuilder& builder, NodeId src, NodeId value, bool layer_scale, bool skip) {
  if (layer_scale) {
    set_part(builder, "layer_scale");
    value = builder.scale_channels(value, "layer_scale");
  }
  return skip ? builder.add(src, value, "add") : value;
}

// The layers between an attention block's input and its key (or value).
struct SharedHead {
  std::string_view name;
  std::string_view down;
  std::string_view projection;
};

NodeId shared_head(GraphBuilder& builder, NodeId src, const SharedHead& head, const AttentionOptions& options) {
  const GraphBuilder::Scope scope(builder, head.name);
  begin_block(builder, "attention");
  NodeId value = src;
  if (options.kv_kernel > 0) {
    const int64_t channels = builder.channels(src);
    set_part(builder, head.down);
    value = builder.conv(value, "down",
                         {.out_channels = channels,
                          .kernel = options.kv_kernel,
                          .stride = options.kv_stride,
                          .groups = channels,
                          .padding = padding_mode(options.same_padding, options.kv_stride)});
    next_part(builder);
    value = normalise(builder, value, "norm", options.norm);
    next_part(builder);
  }
  set_part(builder, head.projection);
  return builder.conv(value, "project", {.out_channels = options.attention_channels / options.heads});
}

NodeId queries(GraphBuilder& builder, NodeId src, const AttentionOptions& options) {
  const GraphBuilder::Scope scope(builder, "query");
  begin_block(builder, "attention");
  NodeId value = src;
  if (options.query_stride > 0) {
    if (options.query_stride > 1) {
      value = builder.avg_pool(value, "pool", {.kernel = options.query_stride, .stride = options.query_stride});
    }
    next_part(builder);
    set_part(builder, "query_norm");
    value = normalise(builder, value, "norm", options.norm);
    next_part(builder);
  }
  set_part(builder, "query");
  return builder.conv(value, "project", {.out_channels = options.attention_channels});
}

}  // namespace

NodeId attention_block(GraphBuilder& builder, NodeId src, const AttentionOptions& options) {
  begin_block(builder, "attention");
  set_part(builder, "norm");
  const NodeId normalised = normalise(builder, src, "norm", options.norm);
  const NodeId query = queries(builder, normalised, options);
  const NodeId key = shared_head(builder, normalised, {"key", "key_down", "key"}, options);
  const NodeId value = shared_head(builder, normalised, {"value", "value_down", "value"}, options);
  NodeId result = builder.multi_query_attention(query, key, value, "attention", options.heads);
  begin_block(builder, "attention");
  if (options.query_stride > 1) {
    result = builder.resize_like(result, normalised, "upsample", graph::ResizeMode::kBilinear);
  }
  if (options.query_stride > 0) next_part(builder);
  set_part(builder, "output");
  result = builder.conv(result, "output", {.out_channels = options.out_channels});
  return end_block(builder, src, result, options.layer_scale, options.skip);
}

NodeId normalise(GraphBuilder& builder, NodeId src, std::string_view name, const NormOptions& options) {
  switch (options.kind) {
    case NormKind::kBatchNorm:
      return builder.batch_norm(src, name, options.eps);
    case NormKind::kInstanceNorm:
      return builder.instance_norm(src, name, options.eps);
  }
  return src;
}

void begin_block(GraphBuilder& builder, std::string_view kind) {
  ParameterRole role = builder.role();
  role.block = kind;
  role.set_count(kPosition, 0);
  builder.set_role(role);
}

NodeId conv_norm_act(GraphBuilder& builder, NodeId src, std::string_view name, const ConvNormActOptions& options) {
  const GraphBuilder::Scope scope(builder, name);
  set_part(builder, options.part.empty() ? name : options.part);
  const int64_t stride = options.conv.stride;
  const bool pools = options.antialias != Antialias::kNone && stride > 1;
  graph::ConvOptions conv = options.conv;
  if (pools) {
    conv.stride = 1;
    conv.padding = graph::PaddingMode::kExplicit;
  }
  NodeId value = builder.conv(src, "conv", conv);
  value = normalise(builder, value, "norm", options.norm);
  value = builder.activation(value, "act", options.activation);
  if (!pools) return value;
  return options.antialias == Antialias::kBlur ? builder.blur_pool(value, "pool", stride)
                                               : builder.avg_pool(value, "pool", {.kernel = stride, .stride = stride});
}

NodeId squeeze_excite(GraphBuilder& builder, NodeId src, std::string_view name, const SqueezeExciteOptions& options) {
  const GraphBuilder::Scope scope(builder, name);
  NodeId gate = builder.global_avg_pool(src, "pool");
  set_part(builder, "se_reduce");
  gate = builder.conv(gate, "reduce", {.out_channels = options.squeezed, .bias = true});
  gate = builder.activation(gate, "act", options.inner);
  set_part(builder, "se_expand");
  gate = builder.conv(gate, "expand", {.out_channels = builder.channels(src), .bias = true});
  gate = builder.activation(gate, "gate", options.gate);
  return builder.mul(src, gate, "scale");
}

NodeId inverted_residual(GraphBuilder& builder, NodeId src, const InvertedResidualOptions& options, NodeId* expanded) {
  const bool expands = options.expanded_channels != builder.channels(src);
  begin_block(builder, expands ? "inverted_residual" : "depthwise_separable");
  NodeId value = src;
  if (expands) {
    value = conv_norm_act(
        builder, value, "expand",
        {.conv = {.out_channels = options.expanded_channels}, .norm = options.norm, .activation = options.activation});
    next_part(builder);
  }
  if (expanded != nullptr) *expanded = expands ? value : graph::kNone;
  value = conv_norm_act(builder, value, "depthwise",
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
  value = conv_norm_act(
      builder, value, "project",
      {.conv = {.out_channels = options.out_channels}, .norm = options.norm, .activation = options.project_activation});
  return options.skip ? builder.add(src, value, "add") : value;
}

NodeId fused_inverted_residual(GraphBuilder& builder, NodeId src, const FusedInvertedResidualOptions& options,
                               NodeId* expanded) {
  begin_block(builder, "fused_inverted_residual");
  NodeId value = conv_norm_act(builder, src, "expand",
                               {.conv = {.out_channels = options.expanded_channels,
                                         .kernel = options.kernel,
                                         .stride = options.stride,
                                         .padding = padding_mode(options.same_padding, options.stride)},
                                .norm = options.norm,
                                .activation = options.activation,
                                .antialias = options.antialias});
  if (expanded != nullptr) *expanded = value;
  next_part(builder);
  value = conv_norm_act(
      builder, value, "project",
      {.conv = {.out_channels = options.out_channels}, .norm = options.norm, .activation = options.project_activation});
  return options.skip ? builder.add(src, value, "add") : value;
}

NodeId universal_bottleneck(GraphBuilder& builder, NodeId src, const UniversalBottleneckOptions& options,
                            NodeId* expanded) {
  begin_block(builder, "universal_bottleneck");
  const auto depthwise = [&](NodeId input, int64_t kernel, int64_t stride) {
    const int64_t channels = builder.channels(input);
    return ConvNormActOptions{.conv = {.out_channels = channels,
                                       .kernel = kernel,
                                       .stride = stride,
                                       .groups = channels,
                                       .padding = padding_mode(options.same_padding, stride)},
                              .norm = options.norm,
                              .antialias = options.antialias};
  };

  NodeId value = src;
  if (options.start_kernel > 0) {
    value = conv_norm_act(builder, value, "start", depthwise(value, options.start_kernel, options.start_stride));
    next_part(builder);
  }
  if (options.expand) {
    value = conv_norm_act(
        builder, value, "expand",
        {.conv = {.out_channels = options.expanded_channels}, .norm = options.norm, .activation = options.activation});
    next_part(builder);
  }
  if (expanded != nullptr) *expanded = options.expand ? value : graph::kNone;
  if (options.middle_kernel > 0) {
    ConvNormActOptions middle = depthwise(value, options.middle_kernel, options.middle_stride);
    middle.activation = options.activation;
    value = conv_norm_act(builder, value, "middle", middle);
    next_part(builder);
  }
  value =
      conv_norm_act(builder, value, "project", {.conv = {.out_channels = options.out_channels}, .norm = options.norm});
  return end_block(builder, src, value, options.layer_scale, options.skip);
}

graph::PaddingMode padding_mode(bool same_padding, int64_t stride) {
  return same_padding && stride > 1 ? graph::PaddingMode::kSame : graph::PaddingMode::kExplicit;
}

int64_t make_divisible(int64_t value, int64_t divisor) {
  const int64_t nearest = std::max(divisor, (2 * value + divisor) / (2 * divisor) * divisor);
  return 10 * nearest < 9 * value ? nearest + divisor : nearest;
}

}  // namespace zoo::backbones
