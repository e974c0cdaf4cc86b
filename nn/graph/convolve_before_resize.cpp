#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/graph/passes.h"
#include "nn/graph/rewrite.h"

namespace zoo::graph {
namespace {

/// A source of a Concat.
struct Part {
  NodeId value = kNone;
  int64_t first_channel = 0;
  int64_t channels = 0;
};

bool is_plain_pointwise(const Conv2d& conv) {
  constexpr Size2d kOne = {1, 1};
  return conv.kernel == kOne && conv.stride == kOne && conv.groups == 1 &&
         (conv.padding == PaddingMode::kSame || conv.pad == Size2d{0, 0});
}

class Splitter {
 public:
  Splitter(const BoundGraph& network, const Shape& input)
      : shapes_(infer_shapes(network.graph, input)), rewrite_(network.graph), values_(network.values) {}

  BoundGraph run() && {
    for (NodeId id = 0; id < static_cast<NodeId>(shapes_.size()); ++id) {
      const auto* conv = rewrite_.get_if<Conv2d>(id);
      if (conv != nullptr && is_plain_pointwise(*conv) && rewrite_.node(id).inputs.size() == 1) split(id, *conv);
    }
    return without_unused_values({rewrite_.finish(), std::move(values_)});
  }

 private:
  int64_t area(NodeId id) const {
    const Shape& shape = shapes_[static_cast<size_t>(id)];
    return shape[2] * shape[3];
  }

  /// Whether the value is one that was enlarged, which nothing else reads.
  bool is_enlarged(NodeId id) const {
    return rewrite_.get_if<Resize>(id) != nullptr && rewrite_.uses(id) == 1 &&
           area(rewrite_.node(id).inputs.front()) < area(id);
  }

  void split(NodeId id, Conv2d conv) {
    const NodeId join = rewrite_.node(id).inputs.front();
    if (rewrite_.get_if<Concat>(join) == nullptr || rewrite_.uses(join) != 1) return;
    std::vector<Part> enlarged;
    std::vector<Part> others;
    int64_t channel = 0;
    for (const NodeId source : rewrite_.node(join).inputs) {
      const int64_t channels = shapes_[static_cast<size_t>(source)][1];
      (is_enlarged(source) ? enlarged : others).push_back({source, channel, channels});
      channel += channels;
    }
    if (enlarged.empty() || others.empty()) return;

    Conv2d without_bias = conv;
    without_bias.bias = kNone;
    NodeId sum = kNone;
    for (const Part& part : enlarged) {
      std::vector<NodeId> inputs = rewrite_.node(part.value).inputs;
      inputs.front() = add_convolution(id, without_bias, {part}, inputs.front());
      rewrite_.set_inputs(part.value, inputs);
      sum = sum == kNone ? part.value
                         : rewrite_.add({.name = fmt::format("{}.sum{}", name(id), part.first_channel),
                                         .op = Add{},
                                         .inputs = {sum, part.value}});
    }
    NodeId rest = others.front().value;
    if (others.size() > 1) {
      std::vector<NodeId> values(others.size());
      std::ranges::transform(others, values.begin(), &Part::value);
      rest = rewrite_.add({.name = name(join) + ".rest", .op = Concat{}, .inputs = std::move(values)});
    }
    const NodeId convolved = add_convolution(id, conv, others, rest);
    rewrite_.set_op(id, Add{});
    rewrite_.set_inputs(id, {convolved, sum});
    rewrite_.remove_unused(join);
  }

  /// The share of a convolution that reads `parts` of its source, here as the value `src`.
  NodeId add_convolution(NodeId id, Conv2d conv, const std::vector<Part>& parts, NodeId src) {
    const std::span<const float> weights = values_.views[static_cast<size_t>(conv.weight)];
    const std::string part_name = fmt::format("{}.part{}", name(id), parts.front().first_channel);
    ValueVector share;
    int64_t inputs = 0;
    for (int64_t o = 0; o < conv.out_channels; ++o) {
      for (const Part& part : parts) {
        const auto row = weights.subspan(static_cast<size_t>(o * conv.in_channels + part.first_channel),
                                         static_cast<size_t>(part.channels));
        share.insert(share.end(), row.begin(), row.end());
      }
    }
    for (const Part& part : parts) inputs += part.channels;
    const ParameterRole role = rewrite_.parameters()[static_cast<size_t>(conv.weight)].role;
    conv.in_channels = inputs;
    conv.weight = add_parameter(rewrite_.parameters(), values_,
                                {part_name + ".weight", {conv.out_channels, inputs, 1, 1}, role}, std::move(share));
    return rewrite_.add({.name = part_name, .op = conv, .inputs = {src}});
  }

  const std::string& name(NodeId id) const { return rewrite_.node(id).name; }

  std::vector<Shape> shapes_;  ///< of the nodes of the original
  Rewrite rewrite_;
  ParameterValues values_;
};

}  // namespace

BoundGraph convolve_before_resize(const BoundGraph& network, const Shape& input) {
  return Splitter(network, input).run();
}

}  // namespace zoo::graph
