// The header of a BMP file, and what its parts share.
#pragma once

#include <cstdint>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {

enum class BmpCompression : uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6 };

struct BmpHeader {
  uint64_t pixels_at = 0;
  uint32_t size = 0;
  int64_t width = 0;
  int64_t height = 0;
  bool from_top = false;
  uint32_t bits = 0;
  BmpCompression compression = BmpCompression::kNone;

  static constexpr uint64_t kAt = 14;  ///< where it lies

  bool is_core() const;  ///< OS/2 1.x: 16-bit sizes, three bytes per colour, never compressed
  bool has_masks() const;
  bool is_run_length() const;
  uint64_t row_bytes() const;  ///< of pixels that are not compressed
  /// The row of the picture that is stored as row `stored`.
  int64_t row(int64_t stored) const { return from_top ? stored : height - 1 - stored; }
};

/// 1 to 8 bits per pixel, with a palette, as they are or as run lengths. Throws kTruncated, kNotAnImage.
cv::Mat decode_indexed_bmp(const BmpHeader& header, const ByteReader& reader);

}  // namespace zoo::pipeline
