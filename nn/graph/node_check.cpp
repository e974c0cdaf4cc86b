#include "nn/graph/node_check.h"

#include <cmath>

#include <fmt/format.h>

namespace zoo::graph {
namespace {

class AttributeCheck {
 public:
  explicit AttributeCheck(const Node& node) : node_(node) {}

  void operator()(const Input& input) const { at_least_one("channels", input.channels); }

  void operator()(const Conv2d& conv) const {
    at_least_one("in_channels", conv.in_channels);
    at_least_one("out_channels", conv.out_channels);
    at_least_one("groups", conv.groups);
    if (conv.in_channels % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
      throw node_error(node_, fmt::format("{} groups do not divide {} input and {} output channels", conv.groups,
                                          conv.in_channels, conv.out_channels));
    }
    in_range("kernel", conv.kernel, 1);
    in_range("stride", conv.stride, 1);
    in_range("dilation", conv.dilation, 1);
    in_range("pad", conv.pad, 0);
    check_extents(node_, "weight", {conv.out_channels, conv.in_channels / conv.groups, conv.kernel.h, conv.kernel.w});
  }

  void operator()(const BatchNorm& norm) const { check_norm(norm.channels, norm.eps); }
  void operator()(const InstanceNorm& norm) const { check_norm(norm.channels, norm.eps); }

  void operator()(const Linear& linear) const {
    at_least_one("in_features", linear.in_features);
    at_least_one("out_features", linear.out_features);
    check_extents(node_, "weight", {linear.out_features, linear.in_features});
  }

  void operator()(const SqueezeExcite& se) const {
    at_least_one("channels", se.channels);
    at_least_one("squeezed", se.squeezed);
    check_extents(node_, "weight", {se.channels, se.squeezed, 1, 1});
  }

  void operator()(const ScaleChannels& scale) const { at_least_one("channels", scale.channels); }

  void operator()(const AvgPool2d& pool) const { check_windows(pool.kernel, pool.stride, pool.pad); }
  void operator()(const MaxPool2d& pool) const { check_windows(pool.kernel, pool.stride, pool.pad); }

  void operator()(const BlurPool2d& pool) const {
    at_least_one("channels", pool.channels);
    in_range("stride", pool.stride, 1);
  }

  void operator()(const MultiQueryAttention& attention) const {
    at_least_one("heads", attention.heads);
    at_least_one("key_dim", attention.key_dim);
    at_least_one("value_dim", attention.value_dim);
    check_extents(node_, "query", {attention.heads, attention.key_dim});
    check_extents(node_, "output", {attention.heads, attention.value_dim});
  }

  template <typename OpWithoutAttributes>
  void operator()(const OpWithoutAttributes&) const {}

 private:
  void at_least_one(std::string_view what, int64_t value) const {
    if (value < 1) throw node_error(node_, fmt::format("{} is {}, must be at least 1", what, value));
  }

  void in_range(std::string_view what, Size2d size, int64_t min) const {
    for (const int64_t value : {size.h, size.w}) {
      if (value < min || value > kMaxElements) {
        throw node_error(
            node_, fmt::format("{} is {}x{}, must be between {} and {}", what, size.h, size.w, min, kMaxElements));
      }
    }
  }

  void check_windows(Size2d kernel, Size2d stride, Size2d pad) const {
    in_range("kernel", kernel, 1);
    in_range("stride", stride, 1);
    in_range("pad", pad, 0);
    if (2 * pad.h > kernel.h || 2 * pad.w > kernel.w) {
      throw node_error(node_,
                       fmt::format("pad {}x{} is more than half of kernel {}x{}", pad.h, pad.w, kernel.h, kernel.w));
    }
  }

  void check_norm(int64_t channels, double eps) const {
    at_least_one("channels", channels);
    if (!std::isfinite(eps) || eps < 0) {
      throw node_error(node_, fmt::format("eps is {}, must be finite and not negative", eps));
    }
  }

  const Node& node_;
};

}  // namespace

GraphError node_error(const Node& node, std::string_view problem) {
  return GraphError(fmt::format("node \"{}\" ({}): {}", node.name, op_name(node.op), problem));
}

void check_extents(const Node& node, std::string_view what, const Shape& shape) {
  int64_t elements = 1;
  for (const int64_t extent : shape.dims) {
    if (extent < 1) throw node_error(node, fmt::format("{} {} is empty", what, shape.to_string()));
    if (extent > kMaxElements / elements) {
      throw node_error(node, fmt::format("{} {} has more than {} elements", what, shape.to_string(), kMaxElements));
    }
    elements *= extent;
  }
}

void check_attributes(const Node& node) { std::visit(AttributeCheck(node), node.op); }

}  // namespace zoo::graph
