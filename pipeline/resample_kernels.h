// The inner loops of the resampler, in a portable and a vectorised form that yield the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/resample.h"

namespace zoo::pipeline {

/// Fractional bits of the filter weights.
inline constexpr int kWeightBits = 22;
/// Rows that one call of a horizontal kernel filters.
inline constexpr int kRowsPerStep = 4;
/// Bytes after the last pixel of a source row that a horizontal kernel may read.
inline constexpr size_t kRowSlack = 32;

/// One set of inner loops.
struct ResampleKernels {
  /// dst[r][i] = sum over k of src[r][start[i] - in_begin + k] * weights[i][k] for kRowsPerStep rows of interleaved
  /// pixels; src[r] holds the pixels from in_begin on, followed by kRowSlack readable bytes.
  using Horizontal = void (*)(const FilterTable& table, const uint8_t* const* src, uint8_t* const* dst);

  Horizontal horizontal1;  ///< one channel
  Horizontal horizontal3;  ///< three channels
  /// dst[b] = sum over k of src[k * step + b] * weights[k] for `bytes` bytes.
  void (*vertical)(const uint8_t* src, size_t step, const int32_t* weights, int taps, uint8_t* dst, size_t bytes);
};

/// Plain C++.
const ResampleKernels& portable_resample_kernels();

/// The fastest set this processor can run.
const ResampleKernels& best_resample_kernels();

}  // namespace zoo::pipeline
