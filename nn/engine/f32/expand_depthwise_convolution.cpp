// A pointwise convolution and the depthwise one that reads it, row by row: what lies between them never leaves the
// second-level cache.
#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "nn/engine/f32/convolution_list.h"
#include "nn/engine/f32/depthwise_op.h"
#include "nn/engine/f32/own_convolution.h"
#include "nn/engine/kernels/f32/pointwise.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using kernels::block_count;

/// What of the L2 the rows between the two may take: source, result and weights want room, too.
constexpr size_t kCacheShare = 4;

/// Both convolutions with their addresses.
struct Pair {
  kernels::PointwiseConv expand;
  kernels::DepthwiseConv depthwise;
  int64_t stride = 1;
  int64_t kernel = 3;
  int64_t lanes = 16;
  int64_t band_rows = 1;  ///< rows of the result from one filling of the buffer
  const kernels::KernelTable* table = nullptr;
  kernels::DepthwiseFunction function = nullptr;

  /// Rows of the expanded map that a band reads.
  int64_t buffer_rows() const { return (band_rows - 1) * stride + kernel; }
  int64_t row_floats() const { return depthwise.src_w * lanes; }
  int64_t blocks() const { return block_count(depthwise.channels, lanes); }
  int64_t buffer_floats() const { return blocks() * buffer_rows() * row_floats(); }

  /// Rows [begin, end) of the result of one image.
  void run(const float* src, float* dst, float* buffer, int64_t begin, int64_t end) const;
};

void Pair::run(const float* src, float* dst, float* buffer, int64_t begin, int64_t end) const {
  int64_t held_first = 0;  // rows of the expanded map that are in the buffer
  int64_t held_last = 0;
  for (int64_t y = begin; y < end; y += band_rows) {
    const int64_t rows = std::min(band_rows, end - y);
    const int64_t top = y * stride - depthwise.pad_top;
    const int64_t first = std::max<int64_t>(0, top);
    const int64_t last = std::min(depthwise.src_h, top + (rows - 1) * stride + kernel);
    const int64_t kept = std::max<int64_t>(0, held_last - first);
    if (kept > 0) {
      for (int64_t b = 0; b < blocks(); ++b) {
        float* plane = buffer + b * expand.dst_plane;
        std::memmove(plane, plane + (first - held_first) * row_floats(),
                     static_cast<size_t>(kept * row_floats()) * sizeof(float));
      }
    }
    kernels::PointwiseConv rows_expand = expand;
    rows_expand.area = (last - first - kept) * depthwise.src_w;
    if (rows_expand.area > 0) {
      kernels::kPointwise[table->isa](rows_expand, src + (first + kept) * row_floats(), nullptr,
                                      buffer + kept * row_floats(), 0, expand.groups);
    }
    kernels::DepthwiseConv rows_depthwise = depthwise;
    rows_depthwise.src_h = last - first;
    rows_depthwise.pad_top = first - top;
    rows_depthwise.dst_h = rows;
    function(rows_depthwise, buffer, nullptr, dst + y * depthwise.dst_w * lanes, nullptr, 0, blocks());
    held_first = first;
    held_last = last;
  }
}

class ExpandDepthwiseConvolution : public ConvolutionKernel {
 public:
  ExpandDepthwiseConvolution(const ConvolutionProblem& problem, const kernels::KernelTable& table)
      : images_(problem.dst[0]),
        in_channels_(problem.expansions.front().op.in_channels),
        runs_(depthwise_runs(problem, table)) {
    const int64_t channels = problem.op.out_channels;
    pair_.stride = problem.op.stride.h;
    pair_.kernel = problem.op.kernel.h;
    pair_.lanes = table.lanes;
    pair_.table = &table;
    pair_.function = depthwise_function(problem, table);
    pair_.depthwise = depthwise_op(problem, table, runs_);
    const auto row_bytes = static_cast<size_t>(pair_.blocks() * pair_.row_floats()) * sizeof(float);
    const auto rows = static_cast<int64_t>(machine_capabilities().caches.l2 / kCacheShare / row_bytes);
    pair_.band_rows = std::clamp<int64_t>((rows - pair_.kernel) / pair_.stride + 1, 1, problem.dst[2]);
    pair_.depthwise.src_plane = pair_.buffer_rows() * pair_.row_floats();
    pair_.expand = {.in_channels = in_channels_,
                    .out_channels = channels,
                    .src_plane = problem.src[2] * pair_.row_floats(),
                    .dst_plane = pair_.depthwise.src_plane,
                    .groups = block_count(pair_.blocks(), kernels::pointwise_max_group(table.lanes)),
                    .activation = problem.expansions.front().activation};
  }

  std::string name() const override {
    return fmt::format("own:expand_depthwise:{}", kernels::to_string(pair_.table->isa));
  }
  int64_t lanes() const override { return pair_.lanes; }
  size_t packed_bytes() const override {
    return static_cast<size_t>(expand_weights() + depthwise_weights() + 2 * padded_channels()) * sizeof(float);
  }
  size_t scratch_bytes(int threads) const override {
    return static_cast<size_t>(threads * pair_.buffer_floats()) * sizeof(float);
  }

  /// Weights and bias of the expansion, then those of the depthwise convolution.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* dst) const override {
    const int64_t channels = pair_.depthwise.channels;
    const int64_t taps = pair_.kernel * pair_.kernel;
    const std::span<const float> own_bias = bias.first(static_cast<size_t>(channels));
    const std::span<const float> expand_bias = bias.subspan(static_cast<size_t>(channels));
    auto* packed = reinterpret_cast<float*>(dst);
    kernels::pack_pointwise(pair_.expand, weights.data() + channels * taps, pair_.lanes, packed);
    std::ranges::copy(expand_bias, packed + expand_weights());
    packed += expand_weights() + padded_channels();
    kernels::pack_matrix(weights.data(), channels, taps, pair_.lanes, packed);
    std::ranges::copy(own_bias, packed + depthwise_weights());
  }

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory& memory) const override {
    const FloatMaps maps = float_maps(memory);
    Pair pair = pair_;
    pair.expand.weights = reinterpret_cast<const float*>(memory.packed);
    pair.expand.bias = pair.expand.weights + expand_weights();
    pair.depthwise.weights = pair.expand.bias + padded_channels();
    pair.depthwise.bias = pair.depthwise.weights + depthwise_weights();
    const int64_t src_floats = block_count(in_channels_, pair.lanes) * pair.expand.src_plane;
    const int64_t dst_floats = pair.blocks() * pair.depthwise.dst_plane;
    auto* buffers = reinterpret_cast<float*>(memory.scratch);
    return make_bound_step([=, parts = int64_t{memory.threads}, images = images_] {
      parallel_for(static_cast<int>(parts), parts, [&](int64_t first, int64_t last) {
        for (int64_t part = first; part < last; ++part) {
          const kernels::Part rows = kernels::part_of(pair.depthwise.dst_h, parts, part);
          for (int64_t image = 0; image < images; ++image) {
            pair.run(maps.src + image * src_floats, maps.dst + image * dst_floats,
                     buffers + part * pair.buffer_floats(), rows.begin, rows.end);
          }
        }
      });
    });
  }

 private:
  int64_t padded_channels() const { return pair_.blocks() * pair_.lanes; }
  int64_t expand_weights() const { return kernels::pointwise_weights_size(pair_.expand, pair_.lanes); }
  int64_t depthwise_weights() const { return padded_channels() * pair_.kernel * pair_.kernel; }

  int64_t images_;
  int64_t in_channels_;
  std::vector<kernels::TileRun> runs_;
  Pair pair_;
};

}  // namespace

std::unique_ptr<ConvolutionKernel> make_expand_depthwise_convolution(const ConvolutionProblem& problem,
                                                                     const kernels::KernelTable& table) {
  if (problem.expansions.size() != 1 || problem.src_format != kBlockedF32 || problem.has_residual) return nullptr;
  if (!has_pointwise_kernel(problem.expansions.front().op, table)) return nullptr;
  if (depthwise_function(problem, table) == nullptr) return nullptr;
  return std::make_unique<ExpandDepthwiseConvolution>(problem, table);
}

}  // namespace zoo::engine
