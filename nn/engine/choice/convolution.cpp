#include "nn/engine/choice/convolution.h"

#include <algorithm>
#include <string_view>
#include <utility>

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

int64_t count_weights(const graph::Conv2d& conv) {
  return conv.out_channels * (conv.in_channels / conv.groups) * conv.kernel.h * conv.kernel.w;
}

/// Of an axis of a result.
int64_t length(int64_t src, int64_t kernel, int64_t stride, int64_t dilation, int64_t border) {
  return (src + border - (kernel - 1) * dilation - 1) / stride + 1;
}

}  // namespace

int64_t ConvolutionProblem::weight_count() const {
  int64_t count = count_weights(op);
  for (const Expansion& expansion : expansions) count += count_weights(expansion.op);
  return count;
}

int64_t ConvolutionProblem::bias_count() const {
  if (expansions.empty()) return has_bias() ? op.out_channels : 0;
  int64_t count = op.out_channels;
  for (const Expansion& expansion : expansions) count += expansion.op.out_channels;
  return count;
}

ConvolutionProblem joined(std::span<const ConvolutionProblem> members) {
  ConvolutionProblem all = members.back();
  all.src = members.front().src;
  all.src_format = members.front().src_format;
  all.quantization.src = members.front().quantization.src;
  for (const ConvolutionProblem& member : members.first(members.size() - 1)) {
    all.expansions.push_back({member.op, member.pad, member.activation, member.quantization.dst});
  }
  return all;
}

std::vector<ConvolutionProblem> members_of(const ConvolutionProblem& problem) {
  std::vector<ConvolutionProblem> members;
  ConvolutionProblem rest = problem;
  rest.expansions.clear();
  for (const auto& [op, pad, activation, quantization] : problem.expansions) {
    ConvolutionProblem member = rest;
    member.op = op;
    member.pad = pad;
    member.activation = activation;
    member.has_residual = false;
    member.quantization = {rest.quantization.src, quantization, nullptr};
    member.dst = {rest.src[0], op.out_channels,
                  length(rest.src[2], op.kernel.h, op.stride.h, op.dilation.h, pad.begin.h + pad.end.h),
                  length(rest.src[3], op.kernel.w, op.stride.w, op.dilation.w, pad.begin.w + pad.end.w)};
    rest.src = member.dst;
    rest.src_format = member.dst_format;
    rest.quantization.src = quantization;
    members.push_back(std::move(member));
  }
  members.push_back(std::move(rest));
  return members;
}

std::string to_string(const ConvolutionProblem& p) {
  const graph::Conv2d& op = p.op;
  std::string expansions;
  for (const auto& [first, pad, activation, quantization] : p.expansions) {
    expansions +=
        fmt::format(" after k{}x{} s{}x{} d{}x{} p{}.{}.{}.{} g{} to {} {}", first.kernel.h, first.kernel.w,
                    first.stride.h, first.stride.w, first.dilation.h, first.dilation.w, pad.begin.h, pad.begin.w,
                    pad.end.h, pad.end.w, first.groups, first.out_channels, to_string(activation.kind));
  }
  return fmt::format("{} -> {} k{}x{} s{}x{} d{}x{} p{}.{}.{}.{} g{} {}{}{}{} t{}{}", p.src.to_string(),
                     p.dst.to_string(), op.kernel.h, op.kernel.w, op.stride.h, op.stride.w, op.dilation.h,
                     op.dilation.w, p.pad.begin.h, p.pad.begin.w, p.pad.end.h, p.pad.end.w, op.groups,
                     to_string(p.activation.kind), p.has_bias() ? " bias" : "", p.has_residual ? " residual" : "",
                     formats(p), p.threads, expansions);
}

}  // namespace zoo::engine
