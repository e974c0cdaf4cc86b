// What convolutions on tiles read in bf16 networks. Internal to nn/engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/parallel.h"
#include "nn/engine/step_compiler.h"

namespace zoo::engine {

/// What the tiles of a convolution read, and how it gets there.
struct TileSource {
  std::string_view name;
  ValueId src = -1;
  kernels::TileConv conv;
  std::vector<int64_t> offsets;  ///< TileConv::tap_offsets
  std::shared_ptr<PackedBlock> weights;
  std::shared_ptr<PackedBlock> bias;
  /// Rows that `prepare` (src, scratch, begin, end) puts into scratch first; 0: the source is read as it is.
  int64_t prepared_rows = 0;
  int64_t prepared_values = 0;
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
      prepare(from, reinterpret_cast<kernels::Bf16*>(scratch), begin, end);
    });
  }
};

/// [out, in, kh, kw] -> [out, kh, kw, in] with `pixel` values per tap of which the first are the channels.
inline std::vector<float> channels_last(const graph::Conv2d& op, std::span<const float> source, int64_t pixel) {
  const int64_t taps = op.kernel.h * op.kernel.w;
  std::vector<float> weights(static_cast<size_t>(op.out_channels * taps * pixel));
  for (int64_t o = 0; o < op.out_channels; ++o) {
    for (int64_t c = 0; c < op.in_channels; ++c) {
      for (int64_t t = 0; t < taps; ++t) {
        weights[static_cast<size_t>((o * taps + t) * pixel + c)] =
            source[static_cast<size_t>((o * op.in_channels + c) * taps + t)];
      }
    }
  }
  return weights;
}

}  // namespace zoo::engine
