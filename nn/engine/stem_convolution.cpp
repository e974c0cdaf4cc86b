// The first convolution of a network on an own kernel: reads the image as it is.
#include <algorithm>

#include <fmt/format.h>

#include "nn/engine/convolution.h"
#include "nn/engine/kernels/stem.h"
#include "nn/engine/parallel.h"

namespace zoo::engine {
namespace {

class StemConvolution : public ConvolutionKernel {
 public:
  StemConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : table_(table),
        threads_(problem.threads),
        images_(problem.dst[0]),
        taps_(problem.op.in_channels * kernels::kStemKernel * kernels::kStemKernel),
        blocks_(kernels::block_count(problem.op.out_channels, table.lanes)),
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

  std::string name() const override { return fmt::format("own:stem:{}", kernels::to_string(table_.isa)); }
  size_t packed_bytes() const override {
    return static_cast<size_t>(weight_count() + blocks_ * table_.lanes) * sizeof(float);
  }

  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    auto* packed = reinterpret_cast<float*>(dst);
    kernels::pack_matrix(weights.data(), conv_.out_channels, taps_, table_.lanes, packed);
    std::copy(bias.begin(), bias.end(), packed + weight_count());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    kernels::StemConv conv = conv_;
    conv.weights = reinterpret_cast<const float*>(memory.packed);
    conv.bias = conv.weights + weight_count();
    return make_bound_step([=, threads = threads_, rows = images_ * conv_.dst_h, stem = table_.stem] {
      parallel_for(threads, rows, [&](int64_t begin, int64_t end) { stem(conv, memory.src, memory.dst, begin, end); });
    });
  }

 private:
  int64_t weight_count() const { return blocks_ * taps_ * table_.lanes; }

  const kernels::KernelTable& table_;
  int threads_;
  int64_t images_;
  int64_t taps_;
  int64_t blocks_;
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
  if (problem.src_layout != Layout::kPlanar || problem.has_residual || op.groups != 1) return nullptr;
  if (op.kernel != kKernel || op.stride != kStride || op.dilation != graph::Size2d{1, 1}) return nullptr;
  if (op.in_channels > kMostChannels) return nullptr;
  const auto is_below_kernel = [](const graph::Size2d& pad) { return std::max(pad.h, pad.w) < kernels::kStemKernel; };
  if (!is_below_kernel(problem.pad.begin) || !is_below_kernel(problem.pad.end)) return nullptr;
  return std::make_unique<StemConvolution>(problem, table);
}

}  // namespace zoo::engine
