// Pointwise convolutions on own kernels.
#include <algorithm>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::block_count;

/// Work items that each thread should get, so that no share is much larger than another.
constexpr int64_t kItemsPerThread = 4;

/// Chunks of an image: its source, read once per group, takes at most half of the L2 cache; and every thread has work.
int64_t choose_chunks(const kernels::PointwiseConv& conv, int64_t images, int64_t lanes, int threads) {
  const int64_t bytes = conv.area * conv.in_channels * static_cast<int64_t>(sizeof(float));
  int64_t chunks = block_count(bytes, static_cast<int64_t>(machine_capabilities().caches.l2) / 2);
  if (threads > 1) chunks = std::max(chunks, block_count(kItemsPerThread * threads, images * conv.groups));
  const int64_t tiles = block_count(conv.area, kernels::pointwise_max_tile(lanes, kernels::pointwise_max_group(lanes)));
  return std::min(chunks, tiles);
}

class PointwiseConvolution : public OwnConvolution {
 public:
  PointwiseConvolution(std::string_view name, const ConvolutionProblem& problem, const kernels::KernelTable& table,
                       int64_t max_group)
      : OwnConvolution(name, problem, table) {
    const int64_t groups = block_count(blocks(), max_group);
    const int64_t area = problem.dst[2] * problem.dst[3];
    conv_ = {.in_channels = problem.op.in_channels,
             .out_channels = problem.op.out_channels,
             .area = area,
             .src_plane = area * table.lanes,
             .dst_plane = area * table.lanes,
             .groups = groups,
             .activation = problem.activation};
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    kernels::PointwiseConv conv = with_packed(conv_, memory);
    conv.chunks = choose_chunks(conv, images(), table().lanes, memory.threads);
    return make_bound_step([=, threads = memory.threads, items = images() * conv.chunks * conv.groups,
                            function = kernels::kPointwise[table().isa]] {
      parallel_for(threads, items,
                   [&](int64_t begin, int64_t end) { function(conv, maps.src, maps.residual, maps.dst, begin, end); });
    });
  }

 private:
  size_t weight_bytes() const override {
    return static_cast<size_t>(kernels::pointwise_weights_size(conv_, table().lanes)) * sizeof(float);
  }
  void pack_weights(const float* weights, std::byte* packed) const override {
    kernels::pack_pointwise(conv_, weights, table().lanes, reinterpret_cast<float*>(packed));
  }

  kernels::PointwiseConv conv_;  ///< but for the chunks
};

bool is_pointwise(const ConvolutionProblem& problem, const kernels::KernelTable& table) {
  return problem.src_format == kBlockedF32 && has_pointwise_kernel(problem.op, table) &&
         problem.src[2] == problem.dst[2] && problem.src[3] == problem.dst[3];
}

/// From so many inputs on, the weights of a group of usual size no longer stay in the L1 cache from tile to tile.
constexpr int64_t kManyInputs = 512;

}  // namespace

bool has_pointwise_kernel(const graph::Conv2d& op, const kernels::KernelTable& table) {
  constexpr graph::Size2d kOne = {1, 1};
  return kernels::kPointwise[table.isa] != nullptr && op.kernel == kOne && op.stride == kOne && op.groups == 1;
}

std::unique_ptr<ConvolutionKernel> make_pointwise_convolution(const ConvolutionProblem& problem,
                                                              const kernels::KernelTable& table) {
  if (!is_pointwise(problem, table)) return nullptr;
  return std::make_unique<PointwiseConvolution>("pointwise", problem, table, kernels::pointwise_max_group(table.lanes));
}

std::unique_ptr<ConvolutionKernel> make_narrow_pointwise_convolution(const ConvolutionProblem& problem,
                                                                     const kernels::KernelTable& table) {
  if (!is_pointwise(problem, table) || problem.op.in_channels < kManyInputs) return nullptr;
  return std::make_unique<PointwiseConvolution>("narrow_pointwise", problem, table, 1);
}

}  // namespace zoo::engine
