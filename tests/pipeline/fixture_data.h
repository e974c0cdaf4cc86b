// The pictures and checksums of tools/fixture_data.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <opencv2/core/mat.hpp>

namespace zoo::pipeline::testing {

inline uint64_t mix(uint64_t value) {
  uint64_t z = value + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

/// Noise, black-and-white noise or a ramp, by seed % 3. With three channels the first is red in the scripts.
inline cv::Mat picture(int width, int height, int channels, uint64_t seed) {
  cv::Mat image(height, width, CV_8UC(channels));
  const size_t size = image.total() * image.elemSize();
  for (size_t i = 0; i < size; ++i) {
    uint64_t value = mix(i + (seed << 32)) >> 56;
    if (seed % 3 == 1) value = value < 128 ? 0 : 255;
    if (seed % 3 == 2) value = i / static_cast<size_t>(channels) + value / 16;
    image.data[i] = static_cast<uint8_t>(value);
  }
  return image;
}

inline std::string checksum(std::span<const std::byte> bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += (std::to_integer<uint64_t>(bytes[i]) + 1) * mix(i);
  return fmt::format("{:016x}", sum);
}

/// Bytes of a picture without gaps between its rows.
inline std::span<const std::byte> bytes_of(const cv::Mat& image) {
  if (!image.isContinuous()) throw std::logic_error("the picture has gaps");
  return std::as_bytes(std::span(image.data, image.total() * image.elemSize()));
}

/// The fields of each line of a table below tests/reference_data, comments left out.
inline std::vector<std::vector<std::string>> read_table(const std::string& name) {
  const std::string path = std::string(ZOO_SOURCE_DIR) + "/tests/reference_data/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<std::vector<std::string>> table;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string>& fields = table.emplace_back();
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  }
  return table;
}

}  // namespace zoo::pipeline::testing
