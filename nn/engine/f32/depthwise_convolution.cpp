// Depthwise convolutions on own kernels.
#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/depthwise_op.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

class DepthwiseConvolution : public OwnConvolution {
 public:
  DepthwiseConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table,
                       kernels::DepthwiseFunction function)
      : OwnConvolution("depthwise", problem, table),
        function_(function),
        runs_(depthwise_runs(problem, table)),
        conv_(depthwise_op(problem, table, runs_)) {}

  bool can_sum() const override { return true; }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    return make_bound_step([=, conv = with_packed(conv_, memory), threads = memory.threads, items = images() * blocks(),
                            function = function_] {
      parallel_for(threads, items, [&](int64_t begin, int64_t end) {
        function(conv, maps.src, maps.residual, maps.dst, maps.sums, begin, end);
      });
    });
  }

 private:
  kernels::DepthwiseFunction function_;
  std::vector<kernels::TileRun> runs_;
  kernels::DepthwiseConv conv_;
};

bool is_below(const graph::Size2d& pad, int64_t kernel) { return pad.h < kernel && pad.w < kernel; }

}  // namespace

kernels::DepthwiseFunction depthwise_function(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  const graph::Conv2d& op = problem.op;
  if (!problem.is_depthwise()) return nullptr;
  if (op.kernel.h != op.kernel.w || op.stride.h != op.stride.w || op.dilation != graph::Size2d{1, 1}) return nullptr;
  if (!is_below(problem.pad.begin, op.kernel.w) || !is_below(problem.pad.end, op.kernel.w)) return nullptr;
  return kernels::kDepthwise[table.isa](op.kernel.w, op.stride.w);
}

std::vector<kernels::TileRun> depthwise_runs(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  return kernels::plan_row(problem.op.kernel.w, problem.op.stride.w, problem.pad.begin.w, problem.src[3],
                           problem.dst[3], kernels::depthwise_tile(table.isa));
}

kernels::DepthwiseConv depthwise_op(const ConvolutionProblem& problem, const kernels::KernelTable& table,
                                    const std::vector<kernels::TileRun>& runs) {
  return {.channels = problem.op.out_channels,
          .src_h = problem.src[2],
          .src_w = problem.src[3],
          .dst_h = problem.dst[2],
          .dst_w = problem.dst[3],
          .src_plane = problem.src[2] * problem.src[3] * table.lanes,
          .dst_plane = problem.dst[2] * problem.dst[3] * table.lanes,
          .pad_top = problem.pad.begin.h,
          .pad_left = problem.pad.begin.w,
          .activation = problem.activation,
          .runs = runs.data(),
          .run_count = static_cast<int64_t>(runs.size())};
}

std::unique_ptr<ConvolutionKernel> make_depthwise_convolution(const ConvolutionProblem& problem,
                                                              const kernels::KernelTable& table) {
  if (problem.src_format != kBlockedF32) return nullptr;
  const kernels::DepthwiseFunction function = depthwise_function(problem, table);
  if (function == nullptr) return nullptr;
  return std::make_unique<DepthwiseConvolution>(problem, table, function);
}

}  // namespace zoo::engine
