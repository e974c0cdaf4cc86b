// The own fallback for shapes that oneDNN has no fast implementation for.
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

class DirectConvolution : public OwnConvolution {
 public:
  DirectConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : OwnConvolution("direct_conv", problem, table), op_(problem.op) {
    conv_ = {.groups = op_.groups,
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

  bool is_last_resort() const override { return true; }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    return make_bound_step([=, conv = with_packed(conv_, memory), threads = memory.threads, items = images() * blocks(),
                            kernel = table().direct_conv] {
      parallel_for(threads, items,
                   [&](int64_t begin, int64_t end) { kernel(conv, maps.src, maps.residual, maps.dst, begin, end); });
    });
  }

 private:
  /// [out, in / groups, kh, kw] -> [out / lanes, kh * kw, in / groups, lanes].
  void pack_weights(const float* weights, std::byte* dst) const override {
    auto* packed = reinterpret_cast<float*>(dst);
    const int64_t lanes = table().lanes;
    for (int64_t o = 0; o < op_.out_channels; ++o) {
      for (int64_t i = 0; i < inputs(); ++i) {
        for (int64_t t = 0; t < taps(); ++t) {
          packed[((o / lanes * taps() + t) * inputs() + i) * lanes + o % lanes] =
              weights[(o * inputs() + i) * taps() + t];
        }
      }
    }
  }

  int64_t taps() const { return op_.kernel.h * op_.kernel.w; }
  int64_t inputs() const { return op_.in_channels / op_.groups; }

  graph::Conv2d op_;
  kernels::DirectConv conv_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_direct_convolution(const ConvolutionProblem& problem,
                                                           const kernels::KernelTable& table) {
  if (problem.src_format != kBlockedF32) return nullptr;
  return std::make_unique<DirectConvolution>(problem, table);
}

}  // namespace zoo::engine
