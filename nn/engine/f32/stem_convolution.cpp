// The first convolution of a network on an own kernel: reads the image as it is.
#include <algorithm>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/stem.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

class StemConvolution : public OwnConvolution {
 public:
  StemConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : OwnConvolution("stem", problem, table),
        runs_(kernels::plan_row(kernels::kStemKernel, kernels::kStemStride, problem.pad.begin.w, problem.src[3],
                                problem.dst[3], kernels::stem_tile(problem.op.out_channels, table.lanes))),
        conv_{.in_channels = problem.op.in_channels,
              .out_channels = problem.op.out_channels,
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .dst_h = problem.dst[2],
              .dst_w = problem.dst[3],
              .pad_top = problem.pad.begin.h,
              .pad_left = problem.pad.begin.w,
              .activation = problem.activation,
              .runs = runs_.data(),
              .run_count = static_cast<int64_t>(runs_.size())} {}

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    return make_bound_step([=, conv = with_packed(conv_, memory), threads = memory.threads,
                            rows = images() * conv_.dst_h, stem = kernels::kStem[table().isa]] {
      parallel_for(threads, rows, [&](int64_t begin, int64_t end) { stem(conv, maps.src, maps.dst, begin, end); });
    });
  }

 private:
  std::vector<kernels::TileRun> runs_;
  kernels::StemConv conv_;
};

/// Images have few channels; with more, a convolution is better off in the blocked layout.
constexpr int64_t kMostChannels = 4;

}  // namespace

std::unique_ptr<ConvolutionKernel> make_stem_convolution(const ConvolutionProblem& problem,
                                                         const kernels::KernelTable& table) {
  constexpr graph::Size2d kKernel = {kernels::kStemKernel, kernels::kStemKernel};
  constexpr graph::Size2d kStride = {kernels::kStemStride, kernels::kStemStride};
  const graph::Conv2d& op = problem.op;
  if (problem.src_format != kPlanarF32 || problem.has_residual || op.groups != 1) return nullptr;
  if (op.kernel != kKernel || op.stride != kStride || op.dilation != graph::Size2d{1, 1}) return nullptr;
  if (op.in_channels > kMostChannels) return nullptr;
  const auto is_below_kernel = [](const graph::Size2d& pad) { return std::max(pad.h, pad.w) < kernels::kStemKernel; };
  if (!is_below_kernel(problem.pad.begin) || !is_below_kernel(problem.pad.end)) return nullptr;
  return std::make_unique<StemConvolution>(problem, table);
}

}  // namespace zoo::engine
