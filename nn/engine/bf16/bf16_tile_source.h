// What dense convolutions of bf16 networks read. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/lower/step_compiler.h"
#include "nn/engine/machine/parallel.h"
#include "nn/engine/plan/row_chain.h"

namespace zoo::engine {

/// What the tiles of a convolution read, and how it gets there.
struct TileSource {
  std::string_view name;
  ValueId src = -1;
  kernels::TileConv conv;
  std::vector<int64_t> offsets;  ///< TileConv::tap_offsets
  std::shared_ptr<PackedBlock> weights;
  std::shared_ptr<PackedBlock> bias;
  /// Rows that are put into scratch first; 0: the source is read as it is.
  int64_t prepared_rows = 0;
  int64_t prepared_values = 0;
  /// (src, dst, begin, end): row `begin` goes to `dst`.
  std::function<void(const float*, kernels::Bf16*, int64_t, int64_t)> prepare = {};

  /// The convolution with its addresses, for a step that owns this.
  kernels::TileConv bound() const {
    kernels::TileConv result = conv;
    result.weights = reinterpret_cast<const kernels::Bf16*>(weights->data);
    result.bias = reinterpret_cast<const float*>(bias->data);
    result.tap_offsets = offsets.data();
    return result;
  }
  const kernels::Bf16* address(const RunnerMemory& memory) const {
    return prepared_rows > 0 ? reinterpret_cast<const kernels::Bf16*>(memory.scratch)
                             : memory.as<const kernels::Bf16>(src);
  }
  /// Whole cache lines.
  size_t scratch_bytes() const { return (static_cast<size_t>(prepared_values) * sizeof(kernels::Bf16) + 63) / 64 * 64; }

  void prepare_rows(const float* from, std::byte* scratch, int threads) const {
    if (prepared_rows == 0) return;
    parallel_for(threads, prepared_rows, [&](int64_t begin, int64_t end) {
      auto* const rows = reinterpret_cast<kernels::Bf16*>(scratch);
      prepare(from, rows + begin * (prepared_values / prepared_rows), begin, end);
    });
  }
};

/// How one convolution is read by tiles.
class TileSources {
 public:
  TileSources(StepCompiler& compiler, graph::NodeId id, const graph::Conv2d& op);

  /// Of the whole map.
  TileSource whole();

  /// Of the map some rows at a time, as the first of a chain (row_chain.h): what it prepares is what the chain fills
  /// its first stage with.
  TileSource first_of_rows();
  RowStage first_stage() const;
  /// The same as a later one: rows of positions that have the padding of this convolution around them.
  TileSource next_of_rows();
  RowStage next_stage() const;
  /// Positions of such a row.
  int64_t row_width() const;

  /// Whether all that a position of the result reads fits in one row of a tile. Such an image had better be read some
  /// rows at a time: what is prepared for it is larger than itself.
  bool unfolds_image() const;

 private:
  bool reads_image() const;
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
  std::shared_ptr<PackedBlock> pack(const kernels::TileConv& conv, int64_t pixel);
  TileSource unfolded_image();
  TileSource padded_image();
  TileSource map(int64_t width);
  TileSource padded_map();

  StepCompiler& compiler_;
  const graph::Conv2d& op_;
  graph::NodeId input_;
  const Shape& in_;
  const Shape& out_;
  graph::ResolvedPadding pad_;
  kernels::ResolvedActivation activation_;
};

}  // namespace zoo::engine
