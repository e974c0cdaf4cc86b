// Dense 3x3 convolutions on own kernels.
#include <algorithm>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/kernels/f32/winograd.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

/// What of the L2 the combined values of a chunk may take: the weights of a block and results want room, too.
constexpr size_t kCacheShare = 2;

class WinogradConvolution : public OwnConvolution {
 public:
  WinogradConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : OwnConvolution("winograd", problem, table),
        conv_{.stride = problem.op.stride.h,
              .in_channels = problem.op.in_channels,
              .out_channels = problem.op.out_channels,
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .dst_h = problem.dst[2],
              .dst_w = problem.dst[3],
              .dst_plane = problem.dst[2] * problem.dst[3] * table.lanes,
              .pad_top = problem.pad.begin.h,
              .pad_left = problem.pad.begin.w,
              .activation = problem.activation} {}

  size_t scratch_bytes(int threads) const override {
    return static_cast<size_t>(threads * kernels::winograd_scratch(conv_for(threads), table().lanes)) * sizeof(float);
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    return make_bound_step(
        [=, conv = with_packed(conv_for(memory.threads), memory), parts = int64_t{memory.threads}, tiles = all_tiles(),
         floats = kernels::winograd_scratch(conv_for(memory.threads), table().lanes),
         scratch = reinterpret_cast<float*>(memory.scratch), function = kernels::kWinograd[table().isa]] {
          parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
            for (int64_t p = first; p < last; ++p) {
              const kernels::Part part = kernels::part_of(tiles, parts, p);
              function(conv, maps.src, maps.residual, maps.dst, scratch + p * floats, part.begin, part.end);
            }
          });
        });
  }

 private:
  size_t weight_bytes() const override {
    return static_cast<size_t>(kernels::winograd_weights_size(conv_, table().lanes)) * sizeof(float);
  }
  void pack_weights(const float* weights, std::byte* packed) const override {
    kernels::pack_winograd(conv_, weights, table().lanes, reinterpret_cast<float*>(packed));
  }

  int64_t all_tiles() const { return images() * kernels::winograd_tiles(conv_); }
  /// With chunks for so many threads.
  kernels::WinogradConv conv_for(int threads) const {
    const auto tile_bytes = static_cast<size_t>(kernels::winograd_tile_size(conv_, table().lanes)) * sizeof(float);
    const auto tiles = static_cast<int64_t>(machine_capabilities().caches.l2 / kCacheShare / tile_bytes);
    kernels::WinogradConv conv = conv_;
    conv.chunk = std::clamp<int64_t>(tiles, 1, kernels::block_count(all_tiles(), threads));
    return conv;
  }

  kernels::WinogradConv conv_;  ///< but for the chunks
};

}  // namespace

bool has_winograd_kernel(const graph::Conv2d& op, const kernels::KernelTable& table) {
  constexpr graph::Size2d kKernel = {kernels::kWinogradKernel, kernels::kWinogradKernel};
  constexpr graph::Size2d kOne = {1, 1};
  constexpr graph::Size2d kTwo = {2, 2};
  return kernels::kWinograd[table.isa] != nullptr && op.kernel == kKernel && op.dilation == kOne && op.groups == 1 &&
         (op.stride == kOne || op.stride == kTwo);
}

std::unique_ptr<ConvolutionKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                             const kernels::KernelTable& table) {
  if (problem.src_format != kBlockedF32 || !has_winograd_kernel(problem.op, table)) return nullptr;
  return std::make_unique<WinogradConvolution>(problem, table);
}

}  // namespace zoo::engine
