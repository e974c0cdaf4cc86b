// The own fallback for shapes that oneDNN has no fast implementation for.
#include <algorithm>

#include <fmt/format.h>

#include "nn/engine/convolution.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

class DirectConvolution : public ConvolutionKernel {
 public:
  DirectConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : op_(problem.op), table_(table), threads_(problem.threads) {
    blocks_ = kernels::block_count(op_.out_channels, table.lanes);
    images_ = problem.dst[0];
    conv_ = {.depthwise = problem.is_depthwise(),
             .in_channels = op_.in_channels,
             .out_channels = op_.out_channels,
             .src_h = problem.src[2],
             .src_w = problem.src[3],
             .dst_h = problem.dst[2],
             .dst_w = problem.dst[3],
             .kernel_h = op_.kernel.h,
             .kernel_w = op_.kernel.w,
             .stride_h = op_.stride.h,
             .stride_w = op_.stride.w,
             .dilation_h = op_.dilation.h,
             .dilation_w = op_.dilation.w,
             .pad_top = problem.pad.begin.h,
             .pad_left = problem.pad.begin.w,
             .activation = problem.activation};
  }

  std::string name() const override { return fmt::format("own:direct_conv:{}", kernels::to_string(table_.isa)); }
  bool is_last_resort() const override { return true; }
  size_t packed_bytes() const override {
    return static_cast<size_t>(weight_count() + blocks_ * table_.lanes) * sizeof(float);
  }

  /// [out, in / groups, kh, kw] -> [out / lanes, kh * kw, in / groups, lanes], then the bias.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    auto* packed = reinterpret_cast<float*>(dst);
    const int64_t lanes = table_.lanes;
    for (int64_t o = 0; o < op_.out_channels; ++o) {
      for (int64_t i = 0; i < inputs(); ++i) {
        for (int64_t t = 0; t < taps(); ++t) {
          packed[((o / lanes * taps() + t) * inputs() + i) * lanes + o % lanes] =
              weights[static_cast<size_t>((o * inputs() + i) * taps() + t)];
        }
      }
    }
    std::copy(bias.begin(), bias.end(), packed + weight_count());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::DirectConv conv = conv_;
    conv.weights = reinterpret_cast<const float*>(memory.packed);
    conv.bias = conv.weights + weight_count();
    return make_bound_step([=, threads = threads_, items = images_ * blocks_, kernel = table_.direct_conv] {
      parallel_for(threads, items, [&](int64_t begin, int64_t end) {
        kernel(conv, memory.src, memory.residual, memory.dst, begin, end);
      });
    });
  }

 private:
  int64_t taps() const { return op_.kernel.h * op_.kernel.w; }
  int64_t inputs() const { return op_.in_channels / op_.groups; }
  int64_t weight_count() const { return blocks_ * taps() * inputs() * table_.lanes; }

  graph::Conv2d op_;
  const kernels::KernelTable& table_;
  int threads_;
  int64_t blocks_ = 0;
  int64_t images_ = 0;
  kernels::DirectConv conv_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_direct_convolution(const ConvolutionProblem& problem,
                                                           const kernels::KernelTable& table) {
  if (problem.src_layout != Layout::kBlocked) return nullptr;
  if (problem.op.groups != 1 && !problem.is_depthwise()) return nullptr;
  return std::make_unique<DirectConvolution>(problem, table);
}

}  // namespace zoo::engine
