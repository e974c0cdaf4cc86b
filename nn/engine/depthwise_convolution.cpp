// Depthwise convolutions on own kernels.
#include <algorithm>

#include <fmt/format.h>

#include "nn/engine/convolution.h"
#include "nn/engine/kernels/depthwise.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

class DepthwiseConvolution : public ConvolutionKernel {
 public:
  DepthwiseConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table,
                       kernels::DepthwiseFunction function)
      : table_(table),
        function_(function),
        threads_(problem.threads),
        images_(problem.dst[0]),
        taps_(problem.op.kernel.h * problem.op.kernel.w),
        blocks_(kernels::block_count(problem.op.out_channels, table.lanes)),
        runs_(kernels::plan_row(problem.op.kernel.w, problem.op.stride.w, problem.pad.begin.w, problem.src[3],
                                problem.dst[3], table.depthwise_tile)),
        conv_{.channels = problem.op.out_channels,
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .dst_h = problem.dst[2],
              .dst_w = problem.dst[3],
              .pad_top = problem.pad.begin.h,
              .pad_left = problem.pad.begin.w,
              .activation = problem.activation,
              .runs = runs_.data(),
              .run_count = static_cast<int64_t>(runs_.size())} {}

  std::string name() const override { return fmt::format("own:depthwise:{}", kernels::to_string(table_.isa)); }
  bool can_sum() const override { return true; }
  size_t packed_bytes() const override {
    return static_cast<size_t>(weight_count() + blocks_ * table_.lanes) * sizeof(float);
  }

  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    auto* packed = reinterpret_cast<float*>(dst);
    kernels::pack_matrix(weights.data(), conv_.channels, taps_, table_.lanes, packed);
    std::copy(bias.begin(), bias.end(), packed + weight_count());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::DepthwiseConv conv = conv_;
    conv.weights = reinterpret_cast<const float*>(memory.packed);
    conv.bias = conv.weights + weight_count();
    return make_bound_step([=, threads = threads_, items = images_ * blocks_, function = function_] {
      parallel_for(threads, items, [&](int64_t begin, int64_t end) {
        function(conv, memory.src, memory.residual, memory.dst, memory.sums, begin, end);
      });
    });
  }

 private:
  int64_t weight_count() const { return blocks_ * taps_ * table_.lanes; }

  const kernels::KernelTable& table_;
  kernels::DepthwiseFunction function_;
  int threads_;
  int64_t images_;
  int64_t taps_;
  int64_t blocks_;
  std::vector<kernels::TileRun> runs_;
  kernels::DepthwiseConv conv_;
};

bool is_below(const graph::Size2d& pad, int64_t kernel) { return pad.h < kernel && pad.w < kernel; }

}  // namespace

std::unique_ptr<ConvolutionKernel> make_depthwise_convolution(const ConvolutionProblem& problem,
                                                              const kernels::KernelTable& table) {
  const graph::Conv2d& op = problem.op;
  if (problem.src_layout != Layout::kBlocked || !problem.is_depthwise()) return nullptr;
  if (op.kernel.h != op.kernel.w || op.stride.h != op.stride.w || op.dilation != graph::Size2d{1, 1}) return nullptr;
  if (!is_below(problem.pad.begin, op.kernel.w) || !is_below(problem.pad.end, op.kernel.w)) return nullptr;
  const kernels::DepthwiseFunction function = table.depthwise(op.kernel.w, op.stride.w);
  if (function == nullptr) return nullptr;
  return std::make_unique<DepthwiseConvolution>(problem, table, function);
}

}  // namespace zoo::engine
