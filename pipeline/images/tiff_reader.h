// The pixels of a TIFF, through libtiff.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <opencv2/core/mat.hpp>

// libtiff's own name for an open file.
struct tiff;

namespace zoo::pipeline {

/// Reads the first picture of one file. Throws ImageError without the file's name: kTruncated, kNotAnImage.
class TiffReader {
 public:
  /// `bytes` must outlive it; their directory has been checked (decode_tiff.cpp).
  explicit TiffReader(std::span<const uint8_t> bytes);
  ~TiffReader();
  TiffReader(const TiffReader&) = delete;
  TiffReader& operator=(const TiffReader&) = delete;

  /// 8-bit BGR of a picture of at most 8 bits per sample, of any kind that libtiff turns into colours.
  cv::Mat colors();
  /// 8-bit BGR of a grey or RGB picture of 9 to 16 bits per sample: the upper 8.
  cv::Mat deep_colors();

  /// What libtiff's callbacks know.
  struct File {
    std::span<const uint8_t> bytes;
    uint64_t position = 0;
    std::string message;  ///< its first complaint
  };

 private:
  /// What deep_colors() goes by.
  struct Layout;
  /// Where a segment, that is a strip or a tile, begins.
  struct Place {
    uint32_t left = 0;
    uint32_t top = 0;
    uint32_t plane = 0;
  };

  Layout layout() const;
  void read_segment(const Layout& layout, const Place& place, std::span<uint8_t> segment) const;
  static void unpack(const Layout& layout, uint32_t plane, std::span<const uint8_t> segment, cv::Mat& part);
  uint32_t number(uint32_t tag) const;
  [[noreturn]] void fail() const;

  std::unique_ptr<File> file_;
  tiff* tiff_ = nullptr;
};

}  // namespace zoo::pipeline
