// Dense convolutions in f32 on AMX's tiles.
#include <algorithm>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/kernels/f32/split_conv.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::block_count;

/// What of the L2 the parts of a chunk may take: weights, source and result want room, too.
constexpr size_t kCacheShare = 4;
/// Positions below which a chunk is not cut further for the sake of threads: two tiles.
constexpr int64_t kLeastPositions = 32;
/// Below them it is not compared with other kernels.
constexpr int64_t kLeastChannels = 128;
constexpr int64_t kLeastMap = 14 * 14;

class SplitConvolution : public OwnConvolution {
 public:
  SplitConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : OwnConvolution("split", problem, table),
        conv_{.in_channels = problem.op.in_channels,
              .out_channels = problem.op.out_channels,
              .kernel = problem.op.kernel.h,
              .stride = problem.op.stride.h,
              .src_h = problem.src[2],
              .src_w = problem.src[3],
              .dst_h = problem.dst[2],
              .dst_w = problem.dst[3],
              .pad_top = problem.pad.begin.h,
              .pad_left = problem.pad.begin.w,
              .activation = problem.activation} {}

  std::string name() const override { return "own:split:amx"; }
  int64_t lanes() const override { return kernels::kSplitLanes; }

  /// On a core whose other thread multiplies tiles, too, it gains where parts, once made and loaded, are used often: in
  /// MobileNetV4's 1x1 convolutions of these sizes (`profile --kernels own:split` beside `profile --isa avx512`).
  /// Others lose there, whatever was measured in a better moment.
  bool is_last_resort() const override {
    return !conv_.is_pointwise() || std::min(conv_.in_channels, conv_.out_channels) < kLeastChannels ||
           conv_.chunk_units() < kLeastMap;
  }

  size_t scratch_bytes(int threads) const override {
    return static_cast<size_t>(threads * kernels::split_conv_scratch(conv_for(threads)));
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    const kernels::SplitConv chunked = conv_for(memory.threads);
    return make_bound_step([=, conv = with_packed(chunked, memory), parts = int64_t{memory.threads},
                            items = images() * chunked.chunks, bytes = kernels::split_conv_scratch(chunked)] {
      parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
        for (int64_t p = first; p < last; ++p) {
          const kernels::Part part = kernels::part_of(items, parts, p);
          kernels::split_conv(conv, maps.src, maps.residual, maps.dst, memory.scratch + p * bytes, part.begin,
                              part.end);
        }
      });
    });
  }

 private:
  size_t weight_bytes() const override {
    return static_cast<size_t>(kernels::split_conv_weights(conv_)) * sizeof(kernels::Bf16);
  }
  void pack_weights(const float* weights, std::byte* packed) const override {
    kernels::pack_split_conv(conv_, weights, reinterpret_cast<kernels::Bf16*>(packed));
  }

  /// With chunks for so many threads.
  kernels::SplitConv conv_for(int threads) const {
    const auto budget = static_cast<int64_t>(machine_capabilities().caches.l2 / kCacheShare);
    const int64_t wanted = std::max(block_count(kernels::split_conv_scratch(conv_), budget),
                                    threads == 1 ? 1 : block_count(threads, images()));
    const int64_t least = conv_.is_pointwise() ? kLeastPositions : 1;
    kernels::SplitConv conv = conv_;
    conv.chunks = std::clamp<int64_t>(wanted, 1, block_count(conv_.chunk_units(), least));
    return conv;
  }

  kernels::SplitConv conv_;  ///< in one chunk
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_split_convolution(const ConvolutionProblem& problem,
                                                          const kernels::KernelTable& table) {
  const graph::Conv2d& op = problem.op;
  if (!problem.machine.amx_bf16 || table.lanes != kernels::kSplitLanes) return nullptr;
  if (problem.src_format != kBlockedF32 || op.groups != 1) return nullptr;
  if (op.kernel.h != op.kernel.w || op.stride.h != op.stride.w || op.dilation != graph::Size2d{1, 1}) return nullptr;
  return std::make_unique<SplitConvolution>(problem, table);
}

}  // namespace zoo::engine
