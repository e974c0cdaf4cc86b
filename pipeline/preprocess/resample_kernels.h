// The inner loops of the resampler, in a portable and in vectorised forms that yield the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/preprocess/resample.h"

namespace zoo::pipeline {

/// Fractional bits of the filter weights.
inline constexpr int kWeightBits = 22;
/// What rounds a sum to the nearest pixel before the fractional bits are dropped.
inline constexpr int32_t kRoundingHalf = 1 << (kWeightBits - 1);
/// Rows that one call of a horizontal kernel filters.
inline constexpr int kRowsPerStep = 4;
/// Bytes after the last pixel of a source row that a horizontal kernel may read.
inline constexpr size_t kRowSlack = 32;

/// One set of inner loops.
struct ResampleKernels {
  const char* name;  ///< of the instruction set

  /// dst[r][i] = sum over k of src[r][start[i] - in_begin + k] * weights[i][k] for kRowsPerStep rows of interleaved
  /// pixels; src[r] holds the pixels from in_begin on, followed by kRowSlack readable bytes.
  using Horizontal = void (*)(const FilterTable& table, const uint8_t* const* src, uint8_t* const* dst);

  Horizontal horizontal1;  ///< one channel
  Horizontal horizontal3;  ///< three channels
  /// dst[b] = sum over k of src[k * step + b] * weights[index][k] for `bytes` bytes.
  void (*vertical)(const FilterTable& table, size_t index, const uint8_t* src, size_t step, uint8_t* dst, size_t bytes);
};

/// Weights as a kernel for signed bytes wants them: w = 65536 a + 256 b + c for |w| < 2^22 * 1.9, which no normalised
/// filter exceeds.
struct WeightBytes {
  explicit WeightBytes(int32_t weight)
      : lower(static_cast<int8_t>(weight)),
        middle(static_cast<int8_t>((weight - lower) / 256)),
        upper(static_cast<int8_t>((weight - lower - middle * 256) / 65536)) {}

  int8_t lower;
  int8_t middle;
  int8_t upper;
};

/// The sets that this process may use (nn/engine/machine/capabilities.h), the slowest (plain C++) first.
std::vector<const ResampleKernels*> resample_kernels();

/// The last of them.
const ResampleKernels& best_resample_kernels();

/// On x86-64 only. For processors with AVX2, and with AVX512-VNNI.
const ResampleKernels& avx2_resample_kernels();
const ResampleKernels& avx512_resample_kernels();

}  // namespace zoo::pipeline
