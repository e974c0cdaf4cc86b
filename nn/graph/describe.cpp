#include "nn/graph/describe.h"

#include <fmt/format.h>

namespace zoo::graph {
namespace {

std::string size_text(Size2d size) {
  return size.h == size.w ? fmt::format("{}", size.h) : fmt::format("{}x{}", size.h, size.w);
}

std::string fused_text(const FusedActivation& function) {
  return function.kind == ActivationKind::kIdentity ? "" : fmt::format(" +{}", to_string(function.kind));
}

std::string window_text(Size2d kernel, Size2d stride, Size2d pad) {
  std::string text = fmt::format("{}x{}", kernel.h, kernel.w);
  if (stride != Size2d{1, 1}) text += fmt::format(" s{}", size_text(stride));
  if (pad != Size2d{0, 0}) text += fmt::format(" p{}", size_text(pad));
  return text;
}

class Attributes {
 public:
  explicit Attributes(const Node& node) : node_(node) {}

  std::string operator()(const Conv2d& conv) const {
    std::string text = fmt::format("{}x{}", conv.kernel.h, conv.kernel.w);
    if (conv.stride != Size2d{1, 1}) text += fmt::format(" s{}", size_text(conv.stride));
    if (conv.padding == PaddingMode::kSame) {
      text += " same";
    } else if (conv.pad != Size2d{0, 0}) {
      text += fmt::format(" p{}", size_text(conv.pad));
    }
    if (conv.dilation != Size2d{1, 1}) text += fmt::format(" d{}", size_text(conv.dilation));
    text += fmt::format(" {}->{}", conv.in_channels, conv.out_channels);
    if (conv.groups != 1) text += fmt::format(" g{}", conv.groups);
    if (node_.inputs.size() == 2) text += " +residual";
    return text + fused_text(conv.activation);
  }
  std::string operator()(const BatchNorm& norm) const { return fmt::format("eps {}", norm.eps); }
  std::string operator()(const InstanceNorm& norm) const { return fmt::format("eps {}", norm.eps); }
  std::string operator()(const Activation& activation) const {
    return std::string(to_string(activation.function.kind));
  }
  std::string operator()(const Linear& linear) const {
    return fmt::format("{}->{}", linear.in_features, linear.out_features) + fused_text(linear.activation);
  }
  std::string operator()(const SqueezeExcite& se) const {
    return fmt::format("{}->{}->{}", se.channels, se.squeezed, se.channels) + fused_text(se.inner) +
           fused_text(se.gate);
  }
  std::string operator()(const AvgPool2d& pool) const {
    return window_text(pool.kernel, pool.stride, pool.pad) + (pool.count_include_pad ? "" : " zeros left out");
  }
  std::string operator()(const MaxPool2d& pool) const { return window_text(pool.kernel, pool.stride, pool.pad); }
  std::string operator()(const BlurPool2d& pool) const {
    constexpr auto kTaps = static_cast<int64_t>(kBlurFilter.size());
    return window_text({kTaps, kTaps}, pool.stride, {kTaps / 2, kTaps / 2});
  }
  std::string operator()(const Resize& resize) const { return std::string(to_string(resize.mode)); }
  std::string operator()(const MultiQueryAttention& attention) const {
    return fmt::format("{}->{} h{}", attention.key_dim, attention.value_dim, attention.heads);
  }
  template <typename OpWithoutAttributes>
  std::string operator()(const OpWithoutAttributes&) const {
    return "";
  }

 private:
  const Node& node_;
};

}  // namespace

std::vector<LayerRow> layer_rows(const Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = infer_shapes(graph, input);
  const std::vector<int64_t> macs = multiply_accumulates(graph, shapes);
  std::vector<bool> counted(graph.parameters.size(), false);

  std::vector<LayerRow> rows;
  rows.reserve(graph.nodes.size());
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    LayerRow row{node.name, std::string(op_name(node.op)), std::visit(Attributes(node), node.op), shapes[id], 0,
                 macs[id]};
    for (const ParameterId parameter : parameters_of(node.op)) {
      if (counted[static_cast<size_t>(parameter)] || !is_trainable(graph.parameter(parameter))) continue;
      counted[static_cast<size_t>(parameter)] = true;
      row.parameters += graph.parameter(parameter).shape.elements();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace zoo::graph
