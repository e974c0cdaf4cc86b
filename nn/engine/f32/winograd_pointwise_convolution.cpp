// A dense 3x3 convolution and the pointwise one that reads it, some rows at a time: what lies between them never leaves
// the second-level cache.
#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/kernels/f32/winograd.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::block_count;

/// What of the L2 combined values and rows between the two may take, each: source, result and weights want room, too.
constexpr size_t kCacheShare = 4;

/// Both convolutions with their addresses.
struct Pair {
  kernels::WinogradConv first;
  kernels::PointwiseConv second;
  int64_t band = 1;  ///< rows of tiles from one filling of the buffer
  const kernels::KernelTable* table = nullptr;

  int64_t tile_columns() const { return block_count(first.dst_w, kernels::kWinogradTile); }
  int64_t tile_rows() const { return block_count(first.dst_h, kernels::kWinogradTile); }
  int64_t row_floats() const { return first.dst_w * table->lanes; }
  int64_t buffer_floats() const { return block_count(first.out_channels, table->lanes) * first.dst_plane; }
  int64_t scratch_floats() const { return kernels::winograd_scratch(first, table->lanes) + buffer_floats(); }

  /// Rows of tiles [begin, end) of one image.
  void run(const float* src, float* dst, float* scratch, int64_t begin, int64_t end) const {
    float* buffer = scratch + kernels::winograd_scratch(first, table->lanes);
    for (int64_t row = begin; row < end; row += band) {
      const int64_t last = std::min(row + band, end);
      kernels::WinogradConv rows_first = first;
      rows_first.dst_first = row * kernels::kWinogradTile;
      kernels::kWinograd[table->isa](rows_first, src, nullptr, buffer, scratch, row * tile_columns(),
                                     last * tile_columns());
      kernels::PointwiseConv rows_second = second;
      const int64_t rows = std::min(last * kernels::kWinogradTile, first.dst_h) - rows_first.dst_first;
      rows_second.area = rows * first.dst_w;
      kernels::kPointwise[table->isa](rows_second, buffer, nullptr, dst + rows_first.dst_first * row_floats(), 0,
                                      second.groups);
    }
  }
};

class WinogradPointwiseConvolution : public ConvolutionKernel {
 public:
  WinogradPointwiseConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : images_(problem.dst[0]) {
    const graph::Conv2d& op = problem.expansions.front().op;
    pair_.table = &table;
    pair_.first = {.stride = op.stride.h,
                   .in_channels = op.in_channels,
                   .out_channels = op.out_channels,
                   .src_h = problem.src[2],
                   .src_w = problem.src[3],
                   .dst_h = problem.dst[2],
                   .dst_w = problem.dst[3],
                   .pad_top = problem.expansions.front().pad.begin.h,
                   .pad_left = problem.expansions.front().pad.begin.w,
                   .activation = problem.expansions.front().activation};
    pair_.second = {
        .in_channels = problem.op.in_channels,
        .out_channels = problem.op.out_channels,
        .dst_plane = problem.dst[2] * pair_.row_floats(),
        .groups =
            block_count(block_count(problem.op.out_channels, table.lanes), kernels::pointwise_max_group(table.lanes)),
        .activation = problem.activation,
    };
  }

  std::string name() const override {
    return fmt::format("own:winograd_pointwise:{}", kernels::to_string(pair_.table->isa));
  }
  int64_t lanes() const override { return pair_.table->lanes; }
  size_t packed_bytes() const override {
    return static_cast<size_t>(first_weights() + padded(pair_.first.out_channels) + second_weights() +
                               padded(pair_.second.out_channels)) *
           sizeof(float);
  }
  size_t scratch_bytes(int threads) const override {
    return static_cast<size_t>(threads * pair_for(threads).scratch_floats()) * sizeof(float);
  }

  /// Weights and bias of the first, then those of the second.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    const int64_t channels = pair_.second.out_channels;
    auto* packed = reinterpret_cast<float*>(dst);
    kernels::pack_winograd(pair_.first, weights.data() + channels * pair_.second.in_channels, pair_.table->lanes,
                           packed);
    packed += first_weights();
    std::ranges::copy(bias.subspan(static_cast<size_t>(channels)), packed);
    packed += padded(pair_.first.out_channels);
    kernels::pack_pointwise(pair_.second, weights.data(), pair_.table->lanes, packed);
    std::ranges::copy(bias.first(static_cast<size_t>(channels)), packed + second_weights());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    Pair pair = pair_for(memory.threads);
    pair.first.weights = reinterpret_cast<const float*>(memory.packed);
    pair.first.bias = pair.first.weights + first_weights();
    pair.second.weights = pair.first.bias + padded(pair.first.out_channels);
    pair.second.bias = pair.second.weights + second_weights();
    const int64_t src_floats = padded(pair.first.in_channels) * pair.first.src_h * pair.first.src_w;
    const int64_t dst_floats = padded(pair.second.out_channels) * pair.first.dst_h * pair.first.dst_w;
    auto* scratch = reinterpret_cast<float*>(memory.scratch);
    return make_bound_step([=, parts = int64_t{memory.threads}, images = images_] {
      parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          const kernels::Part rows = kernels::part_of(pair.tile_rows(), parts, part);
          for (int64_t image = 0; image < images; ++image) {
            pair.run(maps.src + image * src_floats, maps.dst + image * dst_floats,
                     scratch + part * pair.scratch_floats(), rows.begin, rows.end);
          }
        }
      });
    });
  }

 private:
  int64_t padded(int64_t channels) const { return block_count(channels, pair_.table->lanes) * pair_.table->lanes; }
  int64_t first_weights() const { return kernels::winograd_weights_size(pair_.first, pair_.table->lanes); }
  int64_t second_weights() const { return kernels::pointwise_weights_size(pair_.second, pair_.table->lanes); }

  /// With a band for so many threads.
  Pair pair_for(int threads) const {
    Pair pair = pair_;
    const int64_t tile_floats =
        std::max(kernels::winograd_tile_size(pair.first, pair.table->lanes),
                 kernels::kWinogradTile * kernels::kWinogradTile * padded(pair.first.out_channels));
    const auto row_bytes = static_cast<size_t>(tile_floats * pair.tile_columns()) * sizeof(float);
    pair.band = std::clamp<int64_t>(static_cast<int64_t>(machine_capabilities().caches.l2 / kCacheShare / row_bytes), 1,
                                    block_count(pair.tile_rows(), threads));
    pair.first.chunk = pair.band * pair.tile_columns();
    pair.first.dst_plane = pair.band * kernels::kWinogradTile * pair.row_floats();
    pair.second.src_plane = pair.first.dst_plane;
    return pair;
  }

  int64_t images_;
  Pair pair_;  ///< but for the band and what follows from it
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_winograd_pointwise_convolution(const ConvolutionProblem& problem,
                                                                       const kernels::KernelTable& table) {
  if (problem.expansions.size() != 1 || problem.src_format != kBlockedF32 || problem.has_residual) return nullptr;
  if (!has_winograd_kernel(problem.expansions.front().op, table)) return nullptr;
  if (!has_pointwise_kernel(problem.op, table)) return nullptr;
  return std::make_unique<WinogradPointwiseConvolution>(problem, table);
}

}  // namespace zoo::engine
