// Rewrites of a graph that keep its meaning and make it faster. Each takes a graph and yields a new one.
#pragma once

#include <optional>

#include "nn/graph/graph.h"

namespace zoo::graph {

/// A graph and the values of its parameters.
struct BoundGraph {
  Graph graph;
  ParameterValues values;
};

/// Replaces every BlurPool2d by the depthwise convolution that it is, of the same name; its filter is appended to the
/// parameters as `<name>.filter`.
BoundGraph lower_blur_pools(const BoundGraph& network);

/// Folds every BatchNorm and ScaleChannels whose only source is a convolution or linear layer, without activation and
/// read by nothing else, into that layer's weight and bias. Elsewhere they become a layer of their own: a per-channel
/// (depthwise 1x1) convolution, or on vectors [N, C] a linear layer with a diagonal weight. Chains of them become one,
/// computed in double and rounded once. Layers that share their parameters and are followed by the same norm share the
/// folded ones.
/// New parameters are appended; those that nothing uses any more stay listed, with empty views.
/// Throws GraphError when values do not match the parameters, WeightError for a variance that is not positive.
BoundGraph fold_affine(const BoundGraph& network);

/// Moves an activation into the convolution or linear layer that is its only source.
/// As in every pass, a value that an output hands out or that has several readers is kept.
Graph fuse_activations(const Graph& graph);

/// Moves an addition into the convolution that ends one of its branches: the other branch becomes its residual input
/// (`inputs` = source, residual). The convolution moves behind the other branch if it is not there yet.
Graph fuse_residuals(const Graph& graph);

/// Replaces pool -> 1x1 conv -> activation -> 1x1 conv -> activation -> mul by one SqueezeExcite, which has the name of
/// the mul. The activations may be fused into the convolutions already.
Graph fuse_squeeze_excite(const Graph& graph);

/// Splits a 1x1 convolution that reads a Concat of which some sources are enlarged maps (Resize): these are convolved
/// while they are small, and the sum of all shares is the result. Interpolation treats all channels alike, so that the
/// order does not matter; values stay the same up to rounding. `input` [N, C, H, W] tells which maps are enlarged. New
/// parameters are appended as those of fold_affine are.
BoundGraph convolve_before_resize(const BoundGraph& network, const Shape& input);

/// All of the above in the order that lets each find its pattern; what depends on sizes only if `input` [N, C, H, W]
/// tells them.
BoundGraph optimise(const BoundGraph& network, const std::optional<Shape>& input = std::nullopt);

}  // namespace zoo::graph
