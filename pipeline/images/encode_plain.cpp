// BMP and PPM: pixels behind a header.
#include <cstddef>
#include <string>

#include <fmt/format.h>

#include "pipeline/images/image_encoders.h"

namespace zoo::pipeline {
namespace {

void put(std::vector<uint8_t>& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

// 24 bits per pixel, rows of whole words from the lowest one up.
std::vector<uint8_t> encode_bmp(const cv::Mat& image) {
  constexpr uint32_t kFileHeader = 14;
  constexpr uint32_t kInfoHeader = 40;
  const auto row_bytes = static_cast<size_t>(image.cols) * 3;
  const size_t stored = (row_bytes + 3) / 4 * 4;
  const size_t pixels = stored * static_cast<size_t>(image.rows);
  std::vector<uint8_t> bytes = {'B', 'M'};
  bytes.reserve(kFileHeader + kInfoHeader + pixels);
  put(bytes, kFileHeader + kInfoHeader + pixels, 4);
  put(bytes, 0, 4);
  put(bytes, kFileHeader + kInfoHeader, 4);
  put(bytes, kInfoHeader, 4);
  put(bytes, static_cast<uint64_t>(image.cols), 4);
  put(bytes, static_cast<uint64_t>(image.rows), 4);
  put(bytes, 1, 2);   // planes
  put(bytes, 24, 2);  // bits per pixel
  put(bytes, 0, 4);   // no compression
  put(bytes, pixels, 4);
  bytes.resize(bytes.size() + 16);  // no resolution, no palette
  for (int y = image.rows - 1; y >= 0; --y) {
    bytes.insert(bytes.end(), image.ptr(y), image.ptr(y) + row_bytes);
    bytes.resize(bytes.size() + stored - row_bytes);
  }
  return bytes;
}

std::vector<uint8_t> encode_ppm(const cv::Mat& image) {
  const std::string header = fmt::format("P6\n{} {}\n255\n", image.cols, image.rows);
  std::vector<uint8_t> bytes(header.begin(), header.end());
  bytes.reserve(bytes.size() + image.total() * 3);
  for (int y = 0; y < image.rows; ++y) {
    const uint8_t* row = image.ptr(y);
    for (int x = 0; x < image.cols; ++x, row += 3) bytes.insert(bytes.end(), {row[2], row[1], row[0]});
  }
  return bytes;
}

}  // namespace zoo::pipeline
