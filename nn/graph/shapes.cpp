#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "nn/graph/graph.h"
#include "nn/graph/node_check.h"

namespace zoo::graph {
namespace {

/// "2" or "2x1".
std::string to_text(Size2d size) {
  return size.h == size.w ? fmt::format("{}", size.h) : fmt::format("{}x{}", size.h, size.w);
}

int64_t extent(int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; }

/// Zeros that TensorFlow's SAME adds along one axis, both ends together.
int64_t same_padding(int64_t size, int64_t kernel_extent, int64_t stride) {
  const int64_t outputs = (size + stride - 1) / stride;
  return std::max<int64_t>((outputs - 1) * stride + kernel_extent - size, 0);
}

/// The shape rule of each operation, for one node.
class ShapeRule {
 public:
  ShapeRule(const Node& node, const Shape& image, const std::vector<Shape>& shapes)
      : node_(node), image_(image), shapes_(shapes) {}

  Shape operator()(const Input& input) const {
    if (image_.rank() != 4 || image_[1] != input.channels) {
      throw node_error(node_, fmt::format("expects [N, {}, H, W], got {}", input.channels, image_.to_string()));
    }
    return image_;
  }

  Shape operator()(const Conv2d& conv) const {
    const Shape& src = feature_map(conv.in_channels);
    const Size2d size{src[2], src[3]};
    const ResolvedPadding padding = resolve_padding(conv, size);
    const Size2d padded{padding.begin.h + size.h + padding.end.h, padding.begin.w + size.w + padding.end.w};
    const Size2d covered{extent(conv.kernel.h, conv.dilation.h), extent(conv.kernel.w, conv.dilation.w)};
    if (covered.h > padded.h || covered.w > padded.w) {
      throw node_error(node_, fmt::format("kernel {}x{} with dilation {} does not fit the padded input {}",
                                          conv.kernel.h, conv.kernel.w, to_text(conv.dilation),
                                          Shape({src[0], src[1], padded.h, padded.w}).to_string()));
    }
    Shape dst{src[0], conv.out_channels, (padded.h - covered.h) / conv.stride.h + 1,
              (padded.w - covered.w) / conv.stride.w + 1};
    if (node_.inputs.size() == 2 && source(1) != dst) {
      throw node_error(node_,
                       fmt::format("residual {} does not fit the output {}", source(1).to_string(), dst.to_string()));
    }
    return dst;
  }

  Shape operator()(const BatchNorm& norm) const {
    const Shape& src = source(0);
    if ((src.rank() != 4 && src.rank() != 2) || src[1] != norm.channels) {
      throw node_error(node_, fmt::format("expects {} channels, got {}", norm.channels, src.to_string()));
    }
    return src;
  }

  Shape operator()(const InstanceNorm& norm) const { return feature_map(norm.channels); }
  Shape operator()(const Activation&) const { return source(0); }

  Shape operator()(const Add&) const {
    if (source(0) != source(1)) {
      throw node_error(node_, fmt::format("cannot add {} and {}", source(0).to_string(), source(1).to_string()));
    }
    return source(0);
  }

  Shape operator()(const Mul&) const {
    const Shape& src = feature_map();
    if (source(1) != Shape{src[0], src[1], 1, 1}) {
      throw node_error(node_, fmt::format("cannot scale {} by {}", src.to_string(), source(1).to_string()));
    }
    return src;
  }

  Shape operator()(const GlobalAvgPool&) const {
    const Shape& src = feature_map();
    return {src[0], src[1], 1, 1};
  }

  Shape operator()(const Flatten&) const {
    const Shape& src = feature_map();
    return {src[0], src[1] * src[2] * src[3]};
  }

  Shape operator()(const Linear& linear) const {
    const Shape& src = source(0);
    if (src.rank() != 2 || src[1] != linear.in_features) {
      throw node_error(node_, fmt::format("expects [N, {}], got {}", linear.in_features, src.to_string()));
    }
    return {src[0], linear.out_features};
  }

  Shape operator()(const SqueezeExcite& se) const { return feature_map(se.channels); }
  Shape operator()(const ScaleChannels& scale) const { return feature_map(scale.channels); }

  Shape operator()(const AvgPool2d& pool) const { return pooled(pool.kernel, pool.stride, pool.pad); }
  Shape operator()(const MaxPool2d& pool) const { return pooled(pool.kernel, pool.stride, pool.pad); }

  Shape operator()(const BlurPool2d& pool) const {
    const Shape& src = feature_map(pool.channels);
    return {src[0], src[1], (src[2] - 1) / pool.stride.h + 1, (src[3] - 1) / pool.stride.w + 1};
  }

  Shape operator()(const Resize&) const {
    const Shape& src = feature_map();
    const Shape& like = source(1);
    if (like.rank() != 4) {
      throw node_error(node_, fmt::format("expects the size of a [N, C, H, W], got {}", like.to_string()));
    }
    return {src[0], src[1], like[2], like[3]};
  }

  Shape operator()(const Concat&) const {
    Shape dst = feature_map();
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      const Shape& other = source(i);
      if (other.rank() != 4 || other[0] != dst[0] || other[2] != dst[2] || other[3] != dst[3]) {
        throw node_error(node_, fmt::format("cannot put the channels of {} behind those of {}", other.to_string(),
                                            source(0).to_string()));
      }
      dst.dims[1] += other[1];
    }
    return dst;
  }

  Shape operator()(const MultiQueryAttention& attention) const {
    const Shape& query = feature_map(attention.heads * attention.key_dim);
    const Shape& key = source(1);
    const Shape& value = source(2);
    if (key.rank() != 4 || key[0] != query[0] || key[1] != attention.key_dim ||
        value != Shape{key[0], attention.value_dim, key[2], key[3]}) {
      throw node_error(
          node_, fmt::format("expects keys [{}, {}, Hk, Wk] and values [{}, {}, Hk, Wk], got {} and {}", query[0],
                             attention.key_dim, query[0], attention.value_dim, key.to_string(), value.to_string()));
    }
    return {query[0], attention.heads * attention.value_dim, query[2], query[3]};
  }

 private:
  const Shape& source(size_t index) const { return shapes_[static_cast<size_t>(node_.inputs[index])]; }

  Shape pooled(Size2d kernel, Size2d stride, Size2d pad) const {
    const Shape& src = feature_map();
    const Size2d padded{src[2] + 2 * pad.h, src[3] + 2 * pad.w};
    if (kernel.h > padded.h || kernel.w > padded.w) {
      throw node_error(node_, fmt::format("kernel {}x{} does not fit the padded input {}", kernel.h, kernel.w,
                                          Shape({src[0], src[1], padded.h, padded.w}).to_string()));
    }
    return {src[0], src[1], (padded.h - kernel.h) / stride.h + 1, (padded.w - kernel.w) / stride.w + 1};
  }

  const Shape& feature_map() const {
    if (source(0).rank() != 4) {
      throw node_error(node_, fmt::format("expects [N, C, H, W], got {}", source(0).to_string()));
    }
    return source(0);
  }

  const Shape& feature_map(int64_t channels) const {
    if (source(0).rank() != 4 || source(0)[1] != channels) {
      throw node_error(node_, fmt::format("expects [N, {}, H, W], got {}", channels, source(0).to_string()));
    }
    return source(0);
  }

  const Node& node_;
  const Shape& image_;
  const std::vector<Shape>& shapes_;
};

/// Values an operation cannot do without.
size_t needed_inputs(const Op& op) {
  if (std::holds_alternative<Input>(op)) return 0;
  if (std::holds_alternative<Add>(op) || std::holds_alternative<Mul>(op) || std::holds_alternative<Resize>(op)) {
    return 2;
  }
  return std::holds_alternative<MultiQueryAttention>(op) ? 3 : 1;
}

void check_inputs(const Node& node, size_t id) {
  const bool is_input = std::holds_alternative<Input>(node.op);
  if (is_input != (id == 0)) throw node_error(node, "the first node, and no other, must be an Input");

  const size_t least = needed_inputs(node.op);
  const size_t most = std::holds_alternative<Conv2d>(node.op) ? 2 : least;
  const bool takes_any = std::holds_alternative<Concat>(node.op);
  if (node.inputs.size() < least || (node.inputs.size() > most && !takes_any)) {
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
    Shape shape = std::visit(ShapeRule(node, input, shapes), node.op);
    check_extents(node, id == 0 ? "input" : "output", shape);
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace zoo::graph
