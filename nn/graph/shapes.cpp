#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nn/graph/graph.h"
#include "nn/graph/node_check.h"
#include "nn/graph/op_traits_layers.h"
#include "nn/graph/op_traits_maps.h"

namespace zoo::graph {
namespace {

int64_t extent(int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; }

/// Zeros that TensorFlow's SAME adds along one axis, both ends together.
int64_t same_padding(int64_t size, int64_t kernel_extent, int64_t stride) {
  const int64_t outputs = (size + stride - 1) / stride;
  return std::max<int64_t>((outputs - 1) * stride + kernel_extent - size, 0);
}

InputCount input_count(const Op& op) {
  return std::visit([]<typename Typed>(const Typed&) { return OpTraits<Typed>::kInputs; }, op);
}

void check_inputs(const Node& node, size_t id) {
  const bool is_input = std::holds_alternative<Input>(node.op);
  if (is_input != (id == 0)) throw node_error(node, "the first node, and no other, must be an Input");

  const auto [least, most] = input_count(node.op);
  if (node.inputs.size() < least || node.inputs.size() > most) {
    throw node_error(node, fmt::format("needs {} inputs, has {}", least, node.inputs.size()));
  }
  for (const NodeId source : node.inputs) {
    if (source < 0 || static_cast<size_t>(source) >= id) {
      throw node_error(node, fmt::format("reads value {}, which is not computed before it", source));
    }
  }
}

}  // namespace

ResolvedPadding resolve_padding(const Conv2d& conv, Size2d input) {
  if (conv.padding == PaddingMode::kExplicit) return {conv.pad, conv.pad};
  const Size2d total{same_padding(input.h, extent(conv.kernel.h, conv.dilation.h), conv.stride.h),
                     same_padding(input.w, extent(conv.kernel.w, conv.dilation.w), conv.stride.w)};
  const Size2d begin{total.h / 2, total.w / 2};
  return {begin, {total.h - begin.h, total.w - begin.w}};
}

std::vector<ResizeTap> resize_taps(ResizeMode mode, int64_t src, int64_t dst) {
  std::vector<ResizeTap> taps;
  taps.reserve(static_cast<size_t>(dst));
  // torch computes the scale and the index of kNearest in float; in double some indices would differ.
  const float scale = static_cast<float>(src) / static_cast<float>(dst);
  for (int64_t i = 0; i < dst; ++i) {
    if (mode == ResizeMode::kNearest) {
      const int64_t nearest = std::min(static_cast<int64_t>(std::floor(static_cast<float>(i) * scale)), src - 1);
      taps.push_back({nearest, nearest, 0.0F});
      continue;
    }
    const double place = static_cast<double>(src) / static_cast<double>(dst) * (static_cast<double>(i) + 0.5) - 0.5;
    const double inside = std::clamp(place, 0.0, static_cast<double>(src - 1));
    const auto first = static_cast<int64_t>(inside);
    taps.push_back({first, std::min(first + 1, src - 1), static_cast<float>(inside - static_cast<double>(first))});
  }
  return taps;
}

std::vector<Shape> infer_shapes(const Graph& graph, const Shape& input) {
  std::vector<Shape> shapes;
  shapes.reserve(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    check_inputs(node, id);
    check_attributes(node);
    const SourceShapes sources(node, input, shapes);
    Shape shape = std::visit(
        [&sources]<typename Typed>(const Typed& typed) -> Shape { return OpTraits<Typed>::shape(typed, sources); },
        node.op);
    check_extents(node, id == 0 ? "input" : "output", shape);
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace zoo::graph
