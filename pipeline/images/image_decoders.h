// The decoders behind read_image, one source file per format. Each checks the header before it allocates pixels and
// throws ImageError with a message that lacks the file's name; image_io.cpp adds it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/image_io.h"

namespace zoo::pipeline {

enum class ImageFormat { kJpeg, kPng, kBmp, kWebp, kTiff, kPnm };

/// Format by the first bytes. Throws kNotAnImage, with the format's name for well-known ones that are not supported.
ImageFormat detect_format(std::span<const uint8_t> bytes);

/// A picture as stored, 8-bit BGR, and how to turn it upright.
struct DecodedImage {
  cv::Mat pixels;
  int orientation = 1;  ///< EXIF tag 0x0112, 1 to 8
};

/// These may rewrite `bytes`: what the library behind them should not see is taken out.
DecodedImage decode_jpeg(std::vector<uint8_t>& bytes, const ImageReadOptions& options);
DecodedImage decode_png(std::vector<uint8_t>& bytes, const ImageReadOptions& options);
DecodedImage decode_bmp(std::vector<uint8_t>& bytes, const ImageReadOptions& options);
DecodedImage decode_webp(std::vector<uint8_t>& bytes, const ImageReadOptions& options);
DecodedImage decode_tiff(std::vector<uint8_t>& bytes, const ImageReadOptions& options);
DecodedImage decode_pnm(std::vector<uint8_t>& bytes, const ImageReadOptions& options);

/// Orientation in the TIFF structure of an EXIF block (without "Exif\0\0"); 1 if there is none or it makes no sense.
int exif_orientation(std::span<const uint8_t> tiff);

/// Throws kTooLarge for too many pixels or a side over 2^20 (as OpenCV's own reader refuses), kTruncated for a size
/// below 1.
void check_size(std::string_view format, int64_t width, int64_t height, const ImageReadOptions& options);

/// Throws kTruncated: "`format` data is truncated or damaged: `detail`".
[[noreturn]] void throw_damaged(std::string_view format, std::string_view detail);
/// Throws kNotAnImage: "`what` is not supported".
[[noreturn]] void throw_unsupported(std::string_view what);

/// Integers at checked positions of a file.
class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, std::endian order, std::string_view format)
      : bytes_(bytes), order_(order), format_(format) {}

  size_t size() const { return bytes_.size(); }
  bool has(uint64_t offset, uint64_t count) const { return offset <= size() && count <= size() - offset; }
  /// Throw kTruncated where the file is too short.
  uint32_t u16(uint64_t offset) const { return number(offset, 2); }
  uint32_t u32(uint64_t offset) const { return number(offset, 4); }
  std::span<const uint8_t> slice(uint64_t offset, uint64_t count) const;

 private:
  uint32_t number(uint64_t offset, size_t count) const;

  std::span<const uint8_t> bytes_;
  std::endian order_;
  std::string_view format_;
};

}  // namespace zoo::pipeline
