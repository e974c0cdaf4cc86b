#include <algorithm>
#include <optional>

#include "nn/graph/passes.h"
#include "nn/graph/rewrite.h"

namespace zoo::graph {
namespace {

constexpr bool is_identity(const FusedActivation& function) { return function.kind == ActivationKind::kIdentity; }

/// A convolution or linear layer with this activation; nothing if `op` is something else or has an activation.
std::optional<Op> with_activation(const Op& op, const FusedActivation& function) {
  if (const auto* conv = std::get_if<Conv2d>(&op); conv != nullptr && is_identity(conv->activation)) {
    Conv2d fused = *conv;
    fused.activation = function;
    return fused;
  }
  if (const auto* linear = std::get_if<Linear>(&op); linear != nullptr && is_identity(linear->activation)) {
    Linear fused = *linear;
    fused.activation = function;
    return fused;
  }
  return std::nullopt;
}

/// Whether a convolution can take `add`'s other branch as its residual.
bool can_take_residual(const Rewrite& rewrite, NodeId id) {
  const auto* conv = rewrite.get_if<Conv2d>(id);
  return conv != nullptr && is_identity(conv->activation) && rewrite.node(id).inputs.size() == 1 &&
         rewrite.uses(id) == 1;
}

/// A small layer of squeeze-and-excite on a 1x1 map.
struct PooledLayer {
  Conv2d conv;
  FusedActivation function;
  NodeId source = kNone;
};

/// The 1x1 convolution and the activation (fused or a node of its own) that yield `id`, if nothing else uses them.
std::optional<PooledLayer> match_pooled_layer(const Rewrite& rewrite, NodeId id) {
  if (rewrite.uses(id) != 1) return std::nullopt;
  FusedActivation function;
  if (const auto* activation = rewrite.get_if<Activation>(id)) {
    function = activation->function;
    id = rewrite.node(id).inputs.front();
    if (rewrite.uses(id) != 1) return std::nullopt;
  }
  const auto* conv = rewrite.get_if<Conv2d>(id);
  if (conv == nullptr || conv->kernel != Size2d{1, 1} || conv->groups != 1 || rewrite.node(id).inputs.size() != 1) {
    return std::nullopt;
  }
  if (conv->padding == PaddingMode::kExplicit && conv->pad != Size2d{0, 0}) return std::nullopt;
  if (!is_identity(conv->activation)) {
    if (!is_identity(function)) return std::nullopt;
    function = conv->activation;
  }
  return PooledLayer{*conv, function, rewrite.node(id).inputs.front()};
}

std::optional<SqueezeExcite> match_squeeze_excite(const Rewrite& rewrite, NodeId mul) {
  const NodeId scaled = rewrite.node(mul).inputs[0];
  const auto expand = match_pooled_layer(rewrite, rewrite.node(mul).inputs[1]);
  if (!expand) return std::nullopt;
  const auto reduce = match_pooled_layer(rewrite, expand->source);
  if (!reduce) return std::nullopt;
  const NodeId pool = reduce->source;
  if (rewrite.get_if<GlobalAvgPool>(pool) == nullptr || rewrite.uses(pool) != 1) return std::nullopt;
  if (rewrite.node(pool).inputs.front() != scaled) return std::nullopt;

  SqueezeExcite se;
  se.channels = reduce->conv.in_channels;
  se.squeezed = reduce->conv.out_channels;
  se.reduce_weight = reduce->conv.weight;
  se.reduce_bias = reduce->conv.bias;
  se.expand_weight = expand->conv.weight;
  se.expand_bias = expand->conv.bias;
  se.inner = reduce->function;
  se.gate = expand->function;
  return se;
}

}  // namespace

Graph fuse_activations(const Graph& graph) {
  Rewrite rewrite(graph);
  for (NodeId id = 0; id < rewrite.size(); ++id) {
    const auto* activation = rewrite.get_if<Activation>(id);
    if (activation == nullptr) continue;
    const NodeId source = rewrite.node(id).inputs.front();
    if (rewrite.uses(source) != 1) continue;
    if (const auto fused = with_activation(rewrite.node(source).op, activation->function)) {
      rewrite.set_op(source, *fused);
      rewrite.replace(id, source);
    }
  }
  return rewrite.finish();
}

Graph fuse_residuals(const Graph& graph) {
  Rewrite rewrite(graph);
  for (NodeId id = 0; id < rewrite.size(); ++id) {
    if (rewrite.get_if<Add>(id) == nullptr) continue;
    const NodeId a = rewrite.node(id).inputs[0];
    const NodeId b = rewrite.node(id).inputs[1];
    // The later branch first: its convolution then stays where it is, since the other branch is computed by then.
    for (const NodeId conv : {std::max(a, b), std::min(a, b)}) {
      if (!can_take_residual(rewrite, conv)) continue;
      const NodeId residual = conv == a ? b : a;
      rewrite.replace(id, conv);
      rewrite.set_inputs(conv, {rewrite.node(conv).inputs.front(), residual});
      break;
    }
  }
  return rewrite.finish();
}

Graph fuse_squeeze_excite(const Graph& graph) {
  Rewrite rewrite(graph);
  for (NodeId id = 0; id < rewrite.size(); ++id) {
    if (rewrite.get_if<Mul>(id) == nullptr) continue;
    const auto se = match_squeeze_excite(rewrite, id);
    if (!se) continue;
    const NodeId scaled = rewrite.node(id).inputs[0];
    const NodeId gate = rewrite.node(id).inputs[1];
    rewrite.set_op(id, *se);
    rewrite.set_inputs(id, {scaled});
    rewrite.remove_unused(gate);
  }
  return rewrite.finish();
}

BoundGraph optimise(const BoundGraph& network, const std::optional<Shape>& input) {
  // Batch norms and layer scales stand between the parts of every pattern, so they go first. Squeeze-and-excite takes
  // activations with it that its layers would otherwise absorb. A residual is added before the activation, so it must
  // be in place first.
  BoundGraph folded = fold_affine(lower_blur_pools(network));
  if (input) folded = convolve_before_resize(folded, *input);
  folded.graph = fuse_activations(fuse_residuals(fuse_squeeze_excite(folded.graph)));
  return folded;
}

}  // namespace zoo::graph
