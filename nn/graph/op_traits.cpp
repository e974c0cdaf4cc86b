#include "nn/graph/op_traits.h"

#include <cmath>

#include <fmt/format.h>

#include "nn/graph/op_traits_layers.h"

namespace zoo::graph {

void AttributeCheck::at_least_one(std::string_view what, int64_t value) const {
  if (value < 1) throw node_error(node_, fmt::format("{} is {}, must be at least 1", what, value));
}

void AttributeCheck::in_range(std::string_view what, Size2d size, int64_t least) const {
  for (const int64_t value : {size.h, size.w}) {
    if (value < least || value > kMaxElements) {
      throw node_error(
          node_, fmt::format("{} is {}x{}, must be between {} and {}", what, size.h, size.w, least, kMaxElements));
    }
  }
}

void AttributeCheck::windows(Size2d kernel, Size2d stride, Size2d pad) const {
  in_range("kernel", kernel, 1);
  in_range("stride", stride, 1);
  in_range("pad", pad, 0);
  if (2 * pad.h > kernel.h || 2 * pad.w > kernel.w) {
    throw node_error(node_,
                     fmt::format("pad {}x{} is more than half of kernel {}x{}", pad.h, pad.w, kernel.h, kernel.w));
  }
}

void AttributeCheck::norm(int64_t channels, double eps) const {
  at_least_one("channels", channels);
  if (!std::isfinite(eps) || eps < 0) {
    throw node_error(node_, fmt::format("eps is {}, must be finite and not negative", eps));
  }
}

const Shape& SourceShapes::feature_map() const {
  const Shape& src = (*this)[0];
  if (src.rank() != 4) throw node_error(node_, fmt::format("expects [N, C, H, W], got {}", src.to_string()));
  return src;
}

const Shape& SourceShapes::feature_map(int64_t channels) const {
  const Shape& src = (*this)[0];
  if (src.rank() != 4 || src[1] != channels) {
    throw node_error(node_, fmt::format("expects [N, {}, H, W], got {}", channels, src.to_string()));
  }
  return src;
}

Shape SourceShapes::pooled(Size2d kernel, Size2d stride, Size2d pad) const {
  const Shape& src = feature_map();
  const Size2d padded{src[2] + 2 * pad.h, src[3] + 2 * pad.w};
  if (kernel.h > padded.h || kernel.w > padded.w) {
    throw node_error(node_, fmt::format("kernel {}x{} does not fit the padded input {}", kernel.h, kernel.w,
                                        Shape({src[0], src[1], padded.h, padded.w}).to_string()));
  }
  return {src[0], src[1], (padded.h - kernel.h) / stride.h + 1, (padded.w - kernel.w) / stride.w + 1};
}

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

std::string OpTraits<Conv2d>::text(const Conv2d& conv, const Node& node) {
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
  if (node.inputs.size() == 2) text += " +residual";
  return text + fused_text(conv.activation);
}

void OpTraits<Conv2d>::check(const Conv2d& conv, const AttributeCheck& check) {
  check.at_least_one("in_channels", conv.in_channels);
  check.at_least_one("out_channels", conv.out_channels);
  check.at_least_one("groups", conv.groups);
  if (conv.in_channels % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
    throw node_error(check.node(), fmt::format("{} groups do not divide {} input and {} output channels", conv.groups,
                                               conv.in_channels, conv.out_channels));
  }
  check.in_range("kernel", conv.kernel, 1);
  check.in_range("stride", conv.stride, 1);
  check.in_range("dilation", conv.dilation, 1);
  check.in_range("pad", conv.pad, 0);
  check_extents(check.node(), "weight",
                {conv.out_channels, conv.in_channels / conv.groups, conv.kernel.h, conv.kernel.w});
}

Shape OpTraits<Conv2d>::shape(const Conv2d& conv, const SourceShapes& sources) {
  const auto extent = [](int64_t kernel, int64_t dilation) { return dilation * (kernel - 1) + 1; };
  const Shape& src = sources.feature_map(conv.in_channels);
  const Size2d size{src[2], src[3]};
  const ResolvedPadding padding = resolve_padding(conv, size);
  const Size2d padded{padding.begin.h + size.h + padding.end.h, padding.begin.w + size.w + padding.end.w};
  const Size2d covered{extent(conv.kernel.h, conv.dilation.h), extent(conv.kernel.w, conv.dilation.w)};
  if (covered.h > padded.h || covered.w > padded.w) {
    throw node_error(sources.node(), fmt::format("kernel {}x{} with dilation {} does not fit the padded input {}",
                                                 conv.kernel.h, conv.kernel.w, size_text(conv.dilation),
                                                 Shape({src[0], src[1], padded.h, padded.w}).to_string()));
  }
  Shape dst{src[0], conv.out_channels, (padded.h - covered.h) / conv.stride.h + 1,
            (padded.w - covered.w) / conv.stride.w + 1};
  if (sources.size() == 2 && sources[1] != dst) {
    throw node_error(sources.node(),
                     fmt::format("residual {} does not fit the output {}", sources[1].to_string(), dst.to_string()));
  }
  return dst;
}

}  // namespace zoo::graph
