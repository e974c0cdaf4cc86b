// PNM (Netpbm's PBM, PGM and PPM, text and binary). Own code: OpenCV ignores the maximum value.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "PNM";
constexpr int64_t kLargest = 0xFFFFFFFF;  // numbers beyond are as wrong as this one

bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }
bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

class PnmReader {
 public:
  explicit PnmReader(std::span<const uint8_t> bytes) : bytes_(bytes), kind_(bytes[1] - '0') {}

  DecodedImage read(const ImageReadOptions& options) {
    width_ = text_number();
    height_ = text_number();
    check_size(kFormat, width_, height_, options);
    if (!is_bitmap()) max_value_ = text_number();
    if (max_value_ < 1 || max_value_ > 65535) {
      throw_damaged(kFormat, fmt::format("the maximum value is {}", max_value_));
    }
    if (is_binary()) {
      ++at_;  // one white-space character ends the header
      check_length();
    }
    cv::Mat pixels(static_cast<int>(height_), static_cast<int>(width_), CV_8UC3);
    for (int y = 0; y < pixels.rows; ++y) read_row(pixels.ptr(y));
    return {pixels, 1};
  }

 private:
  bool is_bitmap() const { return kind_ == 1 || kind_ == 4; }
  bool is_color() const { return kind_ == 3 || kind_ == 6; }
  bool is_binary() const { return kind_ >= 4; }

  void check_length() const {
    const auto width = static_cast<uint64_t>(width_);
    const uint64_t samples = is_color() ? width * 3 : width;
    const uint64_t row = is_bitmap() ? (width + 7) / 8 : samples * (max_value_ > 255 ? 2 : 1);
    ByteReader(bytes_, std::endian::big, kFormat).slice(at_, row * static_cast<uint64_t>(height_));
  }

  void read_row(uint8_t* row) {
    for (int64_t x = 0; x < width_; ++x, row += 3) {
      if (is_color()) {
        for (int c = 2; c >= 0; --c) row[c] = scaled(sample());
      } else {
        std::fill_n(row, 3, kind_ == 4 ? bit(x) : scaled(sample()));
      }
    }
    if (kind_ == 4) at_ += static_cast<size_t>((width_ + 7) / 8);
  }

  // The next number of a pixel, 0 for black.
  int64_t sample() {
    if (kind_ == 1) return 1 - text_bit();
    if (!is_binary()) return text_number();
    int64_t value = bytes_[at_++];
    if (max_value_ > 255) value = value << 8 | bytes_[at_++];
    return value;
  }

  // 1 is black in bitmaps.
  uint8_t bit(int64_t x) const {
    const uint8_t byte = bytes_[at_ + static_cast<size_t>(x / 8)];
    return (byte >> (7 - x % 8) & 1) != 0 ? 0 : 255;
  }

  uint8_t scaled(int64_t value) const {
    if (max_value_ == 255) return static_cast<uint8_t>(std::min<int64_t>(value, 255));
    const double part = static_cast<double>(value) / static_cast<double>(max_value_);
    return static_cast<uint8_t>(std::min(std::nearbyint(part * 255.0), 255.0));
  }

  void skip_space() {
    while (at_ < bytes_.size() && (is_space(bytes_[at_]) || bytes_[at_] == '#')) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
      } else {
        ++at_;
      }
    }
    if (at_ == bytes_.size()) throw_damaged(kFormat, "it ends too early");
  }

  int64_t text_bit() {
    skip_space();
    const uint8_t byte = bytes_[at_++];
    if (byte != '0' && byte != '1') throw_damaged(kFormat, "there is something else than 0 and 1 among the pixels");
    return byte - '0';
  }

  int64_t text_number() {
    skip_space();
    if (!is_digit(bytes_[at_])) throw_damaged(kFormat, "there is something else than numbers");
    int64_t value = 0;
    for (; at_ < bytes_.size() && is_digit(bytes_[at_]); ++at_) {
      value = std::min(value * 10 + (bytes_[at_] - '0'), kLargest);
    }
    return value;
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 2;
  int kind_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  int64_t max_value_ = 1;
};

}  // namespace

DecodedImage decode_pnm(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  return PnmReader(bytes).read(options);
}

}  // namespace zoo::pipeline
