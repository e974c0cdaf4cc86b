// Depthwise convolutions of bf16 networks, on vectors.
#include <algorithm>

#include "nn/engine/bf16/convolution_list.h"
#include "nn/engine/bf16/depthwise_layer.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::Bf16;

constexpr int64_t kStep = kernels::kChannelStep;

class Bf16DepthwiseConvolution : public ConvolutionKernel {
 public:
  explicit Bf16DepthwiseConvolution(const ConvolutionProblem& problem)
      : layer_(problem, {problem.src[2], problem.src[3]}),
        items_(problem.src[0] * kernels::channel_pairs(problem.op.in_channels)),
        lanes_(problem.machine.lanes()) {}

  std::string name() const override { return "own:depthwise_bf16"; }
  int64_t lanes() const override { return lanes_; }
  bool can_sum() const override { return true; }
  size_t packed_bytes() const override { return layer_.packed_bytes(); }
  size_t scratch_bytes(int threads) const override {
    return static_cast<size_t>(threads * kernels::depthwise_scratch(layer_.conv())) * sizeof(float);
  }
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    layer_.pack(weights, bias, dst);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    return make_bound_step([=, conv = layer_.bound(memory.packed, memory.sums), items = items_,
                            parts = int64_t{memory.threads}, scratch = reinterpret_cast<float*>(memory.scratch),
                            floats = kernels::depthwise_scratch(layer_.conv())] {
      parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          kernels::depthwise_conv(conv, static_cast<const Bf16*>(memory.src), static_cast<Bf16*>(memory.dst),
                                  scratch + part * floats, items * part / parts, items * (part + 1) / parts);
        }
      });
    });
  }

 private:
  Bf16DepthwiseLayer layer_;
  int64_t items_;
  int64_t lanes_;
};

}  // namespace

bool is_bf16_depthwise(const ConvolutionProblem& problem) {
  const graph::Conv2d& op = problem.op;
  if (!problem.machine.avx512_bf16 || !problem.is_depthwise() || op.groups == 1 || problem.has_residual) return false;
  if (problem.dst_format != kChannelsLastBf16 || !kernels::depthwise_computes(problem.activation.kind)) return false;
  if (op.kernel.h != op.kernel.w || op.stride.h != op.stride.w || op.dilation != graph::Size2d{1, 1}) return false;
  return (op.kernel.h == 3 || op.kernel.h == 5 || op.kernel.h == 7) && (op.stride.h == 1 || op.stride.h == 2);
}

Bf16DepthwiseLayer::Bf16DepthwiseLayer(const ConvolutionProblem& problem, graph::Size2d src)
    : conv_{.channels = problem.op.in_channels,
            .kernel = problem.op.kernel.h,
            .stride = problem.op.stride.h,
            .src_h = src.h,
            .src_w = src.w,
            .dst_h = problem.dst[2],
            .dst_w = problem.dst[3],
            .pad_top = problem.pad.begin.h,
            .pad_left = problem.pad.begin.w,
            .activation = problem.activation.kind} {}

/// Whole pairs of blocks.
int64_t Bf16DepthwiseLayer::weight_count() const {
  return kernels::channel_pairs(conv_.channels) * 2 * kStep * conv_.kernel * conv_.kernel;
}

size_t Bf16DepthwiseLayer::packed_bytes() const {
  return static_cast<size_t>(weight_count() + kernels::channel_pairs(conv_.channels) * 2 * kStep) * sizeof(float);
}

void Bf16DepthwiseLayer::pack(std::span<const float> weights, std::span<const float> bias, std::byte* packed) const {
  // [C, 1, k, k] -> [C / kStep, k * k, kStep].
  const int64_t taps = conv_.kernel * conv_.kernel;
  auto* dst = reinterpret_cast<float*>(packed);
  for (int64_t c = 0; c < conv_.channels; ++c) {
    for (int64_t t = 0; t < taps; ++t) {
      dst[(c / kStep * taps + t) * kStep + c % kStep] = weights[static_cast<size_t>(c * taps + t)];
    }
  }
  std::ranges::copy(bias, dst + weight_count());
}

kernels::Bf16Depthwise Bf16DepthwiseLayer::bound(const std::byte* packed, void* sums) const {
  kernels::Bf16Depthwise conv = conv_;
  conv.weights = reinterpret_cast<const float*>(packed);
  conv.bias = conv.weights + weight_count();
  conv.sums = static_cast<float*>(sums);
  return conv;
}

std::unique_ptr<ConvolutionKernel> make_bf16_depthwise_convolution(const ConvolutionProblem& problem) {
  if (problem.src_format != kChannelsLastBf16 || !is_bf16_depthwise(problem)) return nullptr;
  return std::make_unique<Bf16DepthwiseConvolution>(problem);
}

}  // namespace zoo::engine
