// The pixels of a PNG, through libpng.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

// libpng's own names for what it keeps.
struct png_struct_def;
struct png_info_def;

namespace zoo::pipeline {

enum class PngColor { kGray, kGrayAlpha, kPalette, kRgb, kRgbAlpha };

/// Reads one file. Throws ImageError without the file's name (kTruncated), Error where libpng does not start.
class PngReader {
 public:
  /// Reads the header. `bytes` must outlive it and hold what keep_pixel_chunks (png_chunks.h) leaves of a file.
  explicit PngReader(std::span<const uint8_t> bytes);
  ~PngReader();
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  int bits() const;
  PngColor color() const;

  /// 8-bit BGR: of 16 bits the upper 8, alpha left out, grey widened. Once, and not after labels().
  cv::Mat pixels();
  /// Palette indices or grey values of at most 8 bits as they are stored. Once, and not after pixels().
  cv::Mat labels();

  /// What libpng's callbacks know.
  struct Source {
    std::span<const uint8_t> bytes;
    size_t position = 0;
    std::string message;
  };

 private:
  enum class Kind { kPixels, kLabels };

  cv::Mat read(Kind kind, int type);
  bool read_header();
  bool read_rows(Kind kind, std::vector<uint8_t*>& rows);

  Source source_;
  png_struct_def* png_;
  png_info_def* info_;
};

}  // namespace zoo::pipeline
