#include "nn/engine/choice/convolution.h"

#include <string_view>

#include <fmt/format.h>

namespace zoo::engine {
namespace {

std::string_view to_string(Format format) {
  if (format == kPlanarF32) return "planar";
  if (format == kChannelsLastBf16) return "bf16";
  if (format == kChannelsLastU8) return "u8";
  return "blocked";
}

/// " u8 to blocked"; empty between blocked maps.
std::string formats(const ConvolutionProblem& p) {
  if (p.dst_format == kBlockedF32)
    return p.src_format == kBlockedF32 ? "" : fmt::format(" {}", to_string(p.src_format));
  return fmt::format(" {} to {}", to_string(p.src_format), to_string(p.dst_format));
}

}  // namespace

int64_t ConvolutionProblem::weight_count() const {
  const auto count = [](const graph::Conv2d& conv) {
    return conv.out_channels * (conv.in_channels / conv.groups) * conv.kernel.h * conv.kernel.w;
  };
  return expansion ? count(op) + count(expansion->op) : count(op);
}

int64_t ConvolutionProblem::bias_count() const {
  if (expansion) return op.out_channels + expansion->op.out_channels;
  return has_bias() ? op.out_channels : 0;
}

std::string to_string(const ConvolutionProblem& p) {
  const graph::Conv2d& op = p.op;
  std::string expansion;
  if (p.expansion) {
    const graph::Conv2d& first = p.expansion->op;
    const graph::ResolvedPadding& pad = p.expansion->pad;
    expansion =
        fmt::format(" after k{}x{} s{}x{} d{}x{} p{}.{}.{}.{} g{} to {} {}", first.kernel.h, first.kernel.w,
                    first.stride.h, first.stride.w, first.dilation.h, first.dilation.w, pad.begin.h, pad.begin.w,
                    pad.end.h, pad.end.w, first.groups, first.out_channels, to_string(p.expansion->activation.kind));
  }
  return fmt::format("{} -> {} k{}x{} s{}x{} d{}x{} p{}.{}.{}.{} g{} {}{}{}{} t{}{}", p.src.to_string(),
                     p.dst.to_string(), op.kernel.h, op.kernel.w, op.stride.h, op.stride.w, op.dilation.h,
                     op.dilation.w, p.pad.begin.h, p.pad.begin.w, p.pad.end.h, p.pad.end.w, op.groups,
                     to_string(p.activation.kind), p.has_bias() ? " bias" : "", p.has_residual ? " residual" : "",
                     formats(p), p.threads, expansion);
}

}  // namespace zoo::engine
