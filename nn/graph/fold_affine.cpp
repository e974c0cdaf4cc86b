#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/graph/node_check.h"
#include "nn/graph/passes.h"
#include "nn/graph/rewrite.h"

namespace zoo::graph {
namespace {

/// y = x * scale + shift for each channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
  bool has_shift = false;
  ParameterId scale_origin = kNone;  ///< parameters in whose structural places the folded ones stand
  ParameterId shift_origin = kNone;
};

/// What `second` makes of the result of `first`.
Affine compose(Affine first, const Affine& second) {
  for (size_t c = 0; c < first.scale.size(); ++c) {
    first.scale[c] *= second.scale[c];
    first.shift[c] = first.shift[c] * second.scale[c] + second.shift[c];
  }
  if (second.has_shift) first.shift_origin = second.shift_origin;
  first.has_shift = first.has_shift || second.has_shift;
  return first;
}

void check_values(const BoundGraph& network) {
  const std::vector<Parameter>& parameters = network.graph.parameters;
  if (network.values.views.size() != parameters.size()) {
    throw GraphError(
        fmt::format("the graph has {} parameters, but {} have values", parameters.size(), network.values.views.size()));
  }
  for (const Node& node : network.graph.nodes) {
    for (const ParameterId id : parameters_of(node.op)) {
      const Parameter& parameter = network.graph.parameter(id);
      const size_t values = network.values.views[static_cast<size_t>(id)].size();
      if (values != static_cast<size_t>(parameter.shape.elements())) {
        throw GraphError(fmt::format("parameter \"{}\": {} has {} values, got {}", parameter.name,
                                     parameter.shape.to_string(), parameter.shape.elements(), values));
      }
    }
  }
}

class AffineFolder {
 public:
  explicit AffineFolder(const BoundGraph& network)
      : rewrite_(network.graph), values_(network.values), pending_(network.graph.nodes.size()) {}

  BoundGraph run() {
    find_vectors();
    for (NodeId id = 0; id < rewrite_.size(); ++id) {
      std::optional<Affine> affine = affine_of(id);
      if (!affine) continue;
      const NodeId source = rewrite_.node(id).inputs.front();
      if (takes_affine(source)) {
        std::optional<Affine>& earlier = pending(source);
        earlier = earlier ? compose(*std::move(earlier), *affine) : *std::move(affine);
        rewrite_.replace(id, source);
      } else {
        pending(id) = std::move(affine);
      }
    }
    for (NodeId id = 0; id < rewrite_.size(); ++id) {
      if (pending(id)) rewrite_.set_op(id, folded(id, *pending(id)));
    }
    return without_unused_values({rewrite_.finish(), std::move(values_)});
  }

 private:
  std::span<const float> view(ParameterId id) const { return values_.views[static_cast<size_t>(id)]; }
  const Parameter& parameter(ParameterId id) const { return rewrite_.parameters()[static_cast<size_t>(id)]; }
  std::optional<Affine>& pending(NodeId id) { return pending_[static_cast<size_t>(id)]; }

  /// Marks the values that are [N, C]: those are not for convolutions.
  void find_vectors() {
    is_vector_.resize(static_cast<size_t>(rewrite_.size()), false);
    for (NodeId id = 0; id < rewrite_.size(); ++id) {
      const Node& node = rewrite_.node(id);
      is_vector_[static_cast<size_t>(id)] =
          yields_vector(node.op, !node.inputs.empty() && is_vector_[static_cast<size_t>(node.inputs.front())]);
    }
  }

  /// What a BatchNorm or ScaleChannels does; nothing for other operations.
  std::optional<Affine> affine_of(NodeId id) const {
    if (const auto* norm = rewrite_.get_if<BatchNorm>(id)) return affine_of(*norm);
    if (const auto* scale = rewrite_.get_if<ScaleChannels>(id)) return affine_of(*scale);
    return std::nullopt;
  }

  Affine affine_of(const BatchNorm& norm) const {
    const auto channels = static_cast<size_t>(norm.channels);
    Affine affine{std::vector<double>(channels), std::vector<double>(channels), true, norm.weight, norm.bias};
    for (size_t c = 0; c < channels; ++c) {
      const double variance = double{view(norm.var)[c]} + norm.eps;
      if (!(variance > 0)) {
        throw WeightError(fmt::format("parameter \"{}\": value {} of channel {} plus eps {} is not positive",
                                      parameter(norm.var).name, view(norm.var)[c], c, norm.eps));
      }
      affine.scale[c] = double{view(norm.weight)[c]} / std::sqrt(variance);
      affine.shift[c] = double{view(norm.bias)[c]} - double{view(norm.mean)[c]} * affine.scale[c];
    }
    return affine;
  }

  Affine affine_of(const ScaleChannels& scale) const {
    const std::span<const float> gamma = view(scale.weight);
    return {{gamma.begin(), gamma.end()}, std::vector<double>(gamma.size()), false, scale.weight, scale.weight};
  }

  /// Whether the node is a layer without activation, or becomes one, that only one other node reads.
  bool takes_affine(NodeId id) {
    if (rewrite_.uses(id) != 1 || rewrite_.node(id).inputs.size() != 1) return false;
    if (pending(id)) return true;
    const auto* conv = rewrite_.get_if<Conv2d>(id);
    const auto* linear = rewrite_.get_if<Linear>(id);
    return (conv != nullptr && conv->activation.kind == ActivationKind::kIdentity) ||
           (linear != nullptr && linear->activation.kind == ActivationKind::kIdentity);
  }

  Op folded(NodeId id, const Affine& affine) {
    if (const auto* conv = rewrite_.get_if<Conv2d>(id)) return fold_into(*conv, id, affine);
    if (const auto* linear = rewrite_.get_if<Linear>(id)) return fold_into(*linear, id, affine);
    return stand_alone(id, affine);
  }

  /// A weighted layer's parameters with an affine folded in.
  struct Folded {
    ParameterId old_weight = kNone;
    ParameterId old_bias = kNone;
    Affine affine;
    ParameterId weight = kNone;
    ParameterId bias = kNone;
  };

  /// The same layer on several levels of a pyramid, each followed by the same norm, stays one layer.
  template <typename WeightedOp>
  Op fold_into(WeightedOp op, NodeId id, const Affine& affine) {
    const auto same = [&](const Folded& folded) {
      return folded.old_weight == op.weight && folded.old_bias == op.bias && folded.affine.scale == affine.scale &&
             folded.affine.shift == affine.shift && folded.affine.has_shift == affine.has_shift;
    };
    auto folded = std::find_if(folded_.begin(), folded_.end(), same);
    if (folded == folded_.end()) folded = folded_.insert(folded, fold_parameters(op, id, affine));
    op.weight = folded->weight;
    op.bias = folded->bias;
    return op;
  }

  template <typename WeightedOp>
  Folded fold_parameters(const WeightedOp& op, NodeId id, const Affine& affine) {
    const size_t channels = affine.scale.size();
    const std::span<const float> old_weight = view(op.weight);
    const size_t row = old_weight.size() / channels;

    ValueVector weight(old_weight.size());
    ValueVector bias(channels);
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = c * row; i < (c + 1) * row; ++i) {
        weight[i] = static_cast<float>(double{old_weight[i]} * affine.scale[c]);
      }
      const double old_bias = op.bias == kNone ? 0.0 : double{view(op.bias)[c]};
      bias[c] = static_cast<float>(old_bias * affine.scale[c] + affine.shift[c]);
    }
    Folded folded = {op.weight, op.bias, affine, kNone, kNone};
    const Shape shape = parameter(op.weight).shape;
    folded.weight = add_parameter(id, "folded_weight", shape, op.weight, std::move(weight));
    if (affine.has_shift || op.bias != kNone) {
      const ParameterId origin = affine.has_shift ? affine.shift_origin : op.bias;
      folded.bias = add_parameter(id, "folded_bias", {static_cast<int64_t>(channels)}, origin, std::move(bias));
    }
    return folded;
  }

  /// A layer of its own that does what the norm or scale did.
  Op stand_alone(NodeId id, const Affine& affine) {
    const auto channels = static_cast<int64_t>(affine.scale.size());
    ValueVector weight(affine.scale.begin(), affine.scale.end());
    ParameterId bias = kNone;
    if (affine.has_shift) {
      ValueVector shift(affine.shift.begin(), affine.shift.end());
      bias = add_parameter(id, "folded_bias", {channels}, affine.shift_origin, std::move(shift));
    }
    if (!is_vector_[static_cast<size_t>(id)]) {
      Conv2d conv;
      conv.in_channels = conv.out_channels = conv.groups = channels;
      conv.weight = add_parameter(id, "folded_weight", {channels, 1, 1, 1}, affine.scale_origin, std::move(weight));
      conv.bias = bias;
      return conv;
    }
    Linear linear;
    linear.in_features = linear.out_features = channels;
    check_extents(rewrite_.node(id), "weight", {channels, channels});
    ValueVector diagonal(weight.size() * weight.size(), 0.0F);
    for (size_t c = 0; c < weight.size(); ++c) diagonal[c * (weight.size() + 1)] = weight[c];
    linear.weight = add_parameter(id, "folded_weight", {channels, channels}, affine.scale_origin, std::move(diagonal));
    linear.bias = bias;
    return linear;
  }

  /// Appends a parameter in the structural place of `origin`, which it stands for.
  ParameterId add_parameter(NodeId node, std::string_view field_name, Shape shape, ParameterId origin,
                            ValueVector values) {
    const ParameterRole role = parameter(origin).role;
    return graph::add_parameter(rewrite_.parameters(), values_,
                                {fmt::format("{}.{}", rewrite_.node(node).name, field_name), std::move(shape), role},
                                std::move(values));
  }

  Rewrite rewrite_;
  ParameterValues values_;
  std::vector<std::optional<Affine>> pending_;  ///< per node: what its weights will take in
  std::vector<bool> is_vector_;
  std::vector<Folded> folded_;
};

}  // namespace

BoundGraph fold_affine(const BoundGraph& network) {
  check_values(network);
  return AffineFolder(network).run();
}

}  // namespace zoo::graph
