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
};

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

class BatchNormFolder {
 public:
  explicit BatchNormFolder(const BoundGraph& network) : rewrite_(network.graph), values_(network.values) {}

  BoundGraph run() {
    find_vectors();
    for (NodeId id = 0; id < rewrite_.size(); ++id) {
      const auto* norm = rewrite_.get_if<BatchNorm>(id);
      if (norm == nullptr) continue;
      const Affine affine = affine_of(*norm);
      const NodeId source = rewrite_.node(id).inputs.front();
      if (const auto folded = fold(source, *norm, affine)) {
        rewrite_.set_op(source, *folded);
        rewrite_.replace(id, source);
      } else {
        rewrite_.set_op(id, stand_alone(id, *norm, affine));
      }
    }
    return finish();
  }

 private:
  std::span<const float> view(ParameterId id) const { return values_.views[static_cast<size_t>(id)]; }

  /// Marks the values that are [N, C]: those are not for convolutions.
  void find_vectors() {
    is_vector_.resize(static_cast<size_t>(rewrite_.size()), false);
    for (NodeId id = 0; id < rewrite_.size(); ++id) {
      const Node& node = rewrite_.node(id);
      is_vector_[static_cast<size_t>(id)] =
          std::holds_alternative<Flatten>(node.op) || std::holds_alternative<Linear>(node.op) ||
          (!node.inputs.empty() && is_vector_[static_cast<size_t>(node.inputs.front())]);
    }
  }

  Affine affine_of(const BatchNorm& norm) const {
    const auto channels = static_cast<size_t>(norm.channels);
    Affine affine{std::vector<double>(channels), std::vector<double>(channels)};
    for (size_t c = 0; c < channels; ++c) {
      const double variance = double{view(norm.var)[c]} + norm.eps;
      if (!(variance > 0)) {
        throw WeightError(fmt::format("parameter \"{}\": value {} of channel {} plus eps {} is not positive",
                                      rewrite_.parameters()[static_cast<size_t>(norm.var)].name, view(norm.var)[c], c,
                                      norm.eps));
      }
      affine.scale[c] = double{view(norm.weight)[c]} / std::sqrt(variance);
      affine.shift[c] = double{view(norm.bias)[c]} - double{view(norm.mean)[c]} * affine.scale[c];
    }
    return affine;
  }

  /// The layer `source` with the norm in its weights, or nothing if it is no such layer or is used otherwise, too.
  std::optional<Op> fold(NodeId source, const BatchNorm& norm, const Affine& affine) {
    if (rewrite_.uses(source) != 1 || rewrite_.node(source).inputs.size() != 1) return std::nullopt;
    const Op& op = rewrite_.node(source).op;
    if (const auto* conv = std::get_if<Conv2d>(&op)) return fold_into(*conv, source, norm, affine);
    if (const auto* linear = std::get_if<Linear>(&op)) return fold_into(*linear, source, norm, affine);
    return std::nullopt;
  }

  template <typename WeightedOp>
  std::optional<Op> fold_into(WeightedOp op, NodeId id, const BatchNorm& norm, const Affine& affine) {
    if (op.activation.kind != ActivationKind::kIdentity) return std::nullopt;
    const size_t channels = affine.scale.size();
    const std::span<const float> old_weight = view(op.weight);
    const size_t row = old_weight.size() / channels;

    std::vector<float> weight(old_weight.size());
    std::vector<float> bias(channels);
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = c * row; i < (c + 1) * row; ++i) {
        weight[i] = static_cast<float>(double{old_weight[i]} * affine.scale[c]);
      }
      const double old_bias = op.bias == kNone ? 0.0 : double{view(op.bias)[c]};
      bias[c] = static_cast<float>(old_bias * affine.scale[c] + affine.shift[c]);
    }
    const Shape shape = rewrite_.parameters()[static_cast<size_t>(op.weight)].shape;
    op.weight = add_parameter(id, "folded_weight", shape, op.weight, std::move(weight));
    op.bias = add_parameter(id, "folded_bias", {norm.channels}, norm.bias, std::move(bias));
    return op;
  }

  /// A layer of its own that does what the norm did.
  Op stand_alone(NodeId id, const BatchNorm& norm, const Affine& affine) {
    const int64_t channels = norm.channels;
    std::vector<float> bias(affine.shift.begin(), affine.shift.end());
    if (!is_vector_[static_cast<size_t>(id)]) {
      Conv2d conv;
      conv.in_channels = conv.out_channels = conv.groups = channels;
      std::vector<float> weight(affine.scale.begin(), affine.scale.end());
      conv.weight = add_parameter(id, "folded_weight", {channels, 1, 1, 1}, norm.weight, std::move(weight));
      conv.bias = add_parameter(id, "folded_bias", {channels}, norm.bias, std::move(bias));
      return conv;
    }
    Linear linear;
    linear.in_features = linear.out_features = channels;
    check_extents(rewrite_.node(id), "weight", {channels, channels});
    std::vector<float> diagonal(affine.scale.size() * affine.scale.size(), 0.0F);
    for (size_t c = 0; c < affine.scale.size(); ++c) {
      diagonal[c * (affine.scale.size() + 1)] = static_cast<float>(affine.scale[c]);
    }
    linear.weight = add_parameter(id, "folded_weight", {channels, channels}, norm.weight, std::move(diagonal));
    linear.bias = add_parameter(id, "folded_bias", {channels}, norm.bias, std::move(bias));
    return linear;
  }

  /// Appends a parameter in the structural place of `origin`, which it stands for.
  ParameterId add_parameter(NodeId node, std::string_view field_name, Shape shape, ParameterId origin,
                            std::vector<float> values) {
    const ParameterRole role = rewrite_.parameters()[static_cast<size_t>(origin)].role;
    rewrite_.parameters().push_back(
        {fmt::format("{}.{}", rewrite_.node(node).name, field_name), std::move(shape), role});
    const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
    values_.views.emplace_back(*owner);
    values_.owners.push_back(owner);
    return static_cast<ParameterId>(rewrite_.parameters().size() - 1);
  }

  BoundGraph finish() {
    BoundGraph result{rewrite_.finish(), std::move(values_)};
    std::vector<bool> used(result.graph.parameters.size(), false);
    for (const Node& node : result.graph.nodes) {
      for (const ParameterId id : parameters_of(node.op)) used[static_cast<size_t>(id)] = true;
    }
    for (size_t id = 0; id < used.size(); ++id) {
      if (!used[id]) result.values.views[id] = {};
    }
    return result;
  }

  Rewrite rewrite_;
  ParameterValues values_;
  std::vector<bool> is_vector_;
};

}  // namespace

BoundGraph fold_batch_norm(const BoundGraph& network) {
  check_values(network);
  return BatchNormFolder(network).run();
}

}  // namespace zoo::graph
