// What dense convolutions of bf16 networks read, and what it is multiplied with. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/engine/choice/convolution.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {

/// What the tiles of a convolution read, and how it gets there.
struct TileSource {
  const kernels::Bf16Table* table;  ///< what multiplies them
  std::string_view kind;            ///< "pointwise", "first"
  graph::Conv2d op;
  kernels::TileConv conv;        ///< but for the pointers
  std::vector<int64_t> offsets;  ///< TileConv::tap_offsets
  int64_t pixel = 0;             ///< values of a tap that are multiplied
  /// Rows that are put into scratch first; 0: the source is read as it is.
  int64_t prepared_rows = 0;
  int64_t prepared_values = 0;
  /// (src, dst, begin, end): row `begin` goes to `dst`.
  std::function<void(const void*, kernels::Bf16*, int64_t, int64_t)> prepare = {};

  /// "amx_pointwise"
  std::string name() const;
  /// Of weights and bias together.
  size_t packed_bytes() const;
  /// As ConvolutionKernel::pack.
  void pack(std::span<const float> weights, std::span<const float> bias, std::byte* packed) const;
  /// The convolution with its addresses, for whoever keeps this and what pack() has filled.
  kernels::TileConv bound(const std::byte* packed) const;
  /// Rows of it as a stage of a RowChain computes them.
  RowFunction row_function(const std::byte* packed) const;

  /// Whole cache lines.
  size_t scratch_bytes() const { return (static_cast<size_t>(prepared_values) * sizeof(kernels::Bf16) + 63) / 64 * 64; }
  /// What the tiles read: `src`, or what was prepared of it.
  const kernels::Bf16* prepared(const void* src, std::byte* scratch, int threads) const {
    if (prepared_rows == 0) return static_cast<const kernels::Bf16*>(src);
    auto* const rows = reinterpret_cast<kernels::Bf16*>(scratch);
    parallel_for(threads, prepared_rows, [&](int64_t begin, int64_t end) {
      prepare(src, rows + begin * (prepared_values / prepared_rows), begin, end);
    });
    return rows;
  }

 private:
  size_t weight_bytes() const;
};

/// How one convolution is read by tiles.
class TileSources {
 public:
  /// Precondition: is_bf16_dense(problem).
  TileSources(const ConvolutionProblem& problem, const kernels::Bf16Table& table)
      : problem_(problem), op_(problem.op), table_(table) {}

  /// Of the whole map.
  TileSource whole() const;

  /// Of the map some rows at a time, as the first of a chain (row_chain.h): what it prepares is what the chain fills
  /// its first stage with.
  TileSource first_of_rows() const;
  RowStage first_stage() const;
  /// The same as a later one: rows of positions that have the padding of this convolution around them.
  TileSource next_of_rows() const;
  RowStage next_stage() const;
  /// Positions of such a row.
  int64_t row_width() const;

  /// Whether all that a position of the result reads fits in one row of a tile. Such an image had better be read some
  /// rows at a time: what is prepared for it is larger than itself.
  bool unfolds_image() const;

 private:
  bool reads_image() const { return problem_.src_format == kPlanarF32; }
  /// Whether the tiles read the map as it lies.
  bool reads_map() const;
  /// Rows and columns of the padded source that the result needs.
  int64_t padded_h() const;
  int64_t padded_w() const;
  /// From one position of the map to the next, in values.
  int64_t pixel() const { return kernels::channel_pitch(op_.in_channels); }
  kernels::PadImage padding(int64_t channels) const;
  /// Of a source `width` positions wide with `pixel` values each.
  kernels::TileConv tiles(int64_t width, int64_t pixel) const;
  RowStage stage(int64_t width, int64_t pixel) const;
  TileSource unfolded_image() const;
  TileSource padded_image() const;
  TileSource map(int64_t width) const;
  TileSource padded_map() const;

  ConvolutionProblem problem_;
  graph::Conv2d op_;
  const kernels::Bf16Table& table_;
};

/// Whether tiles can do the problem: formats, groups, and of an image its sizes.
bool is_bf16_dense(const ConvolutionProblem& problem);

/// All positions as one run, where they follow each other in source and result.
void join_runs(kernels::TileConv& conv);

/// What fills a chain whose first stage reads `source`, which must stay.
RowFunction fill_function(const TileSource& source);

}  // namespace zoo::engine
