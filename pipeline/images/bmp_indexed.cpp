// BMP with a palette: rows of 1, 4 or 8 bits per pixel, or run lengths of 4 or 8.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "pipeline/images/bmp_header.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "BMP";

using Palette = std::array<cv::Vec3b, 256>;

/// Colours that the file does not have are black.
Palette read_palette(const BmpHeader& header, const ByteReader& reader) {
  const uint64_t size = header.is_core() ? 3 : 4;
  const uint64_t at = BmpHeader::kAt + header.size;
  uint64_t count = header.is_core() ? 0 : reader.u32(BmpHeader::kAt + 32);
  const uint64_t most = uint64_t{1} << header.bits;
  if (count == 0 || count > most) count = most;
  Palette palette{};
  for (uint64_t i = 0; i < count; ++i) {
    const std::span<const uint8_t> color = reader.slice(at + i * size, 3);
    palette[i] = {color[0], color[1], color[2]};
  }
  return palette;
}

class IndexedPicture {
 public:
  IndexedPicture(const BmpHeader& header, const Palette& palette)
      : header_(header),
        palette_(palette),
        image_(static_cast<int>(header.height), static_cast<int>(header.width), CV_8UC3, cv::Scalar(palette[0])) {}

  void set(int64_t x, int64_t stored_row, uint8_t index) {
    image_.at<cv::Vec3b>(static_cast<int>(header_.row(stored_row)), static_cast<int>(x)) = palette_[index];
  }
  const cv::Mat& image() const { return image_; }

 private:
  const BmpHeader& header_;
  const Palette& palette_;
  cv::Mat image_;
};

void read_rows(const BmpHeader& header, const ByteReader& reader, IndexedPicture& picture) {
  const uint64_t row_bytes = header.row_bytes();
  const std::span<const uint8_t> rows =
      reader.slice(header.pixels_at, row_bytes * static_cast<uint64_t>(header.height));
  const uint32_t mask = (1U << header.bits) - 1;
  for (int64_t y = 0; y < header.height; ++y) {
    const uint8_t* row = rows.data() + static_cast<uint64_t>(y) * row_bytes;
    for (int64_t x = 0; x < header.width; ++x) {
      const uint64_t bit = static_cast<uint64_t>(x) * header.bits;
      picture.set(x, y, static_cast<uint8_t>(row[bit / 8] >> (8 - header.bits - bit % 8) & mask));
    }
  }
}

/// Microsoft's run lengths: a count and a value; or 0 and a command, which ends the row (0) or the picture (1), moves
/// (2), or says how many values follow as they are, up to an even byte. Of 4 bits a byte holds two values in turn.
class RunLengths {
 public:
  RunLengths(const BmpHeader& header, const ByteReader& reader, IndexedPicture& picture)
      : header_(header), reader_(reader), picture_(picture), at_(header.pixels_at) {}

  void read() {
    while (y_ < header_.height) {
      const uint32_t count = next();
      const uint32_t value = next();
      if (count > 0) {
        run(count, value);
      } else if (value == 0) {
        x_ = 0;
        ++y_;
      } else if (value == 1) {
        return;
      } else if (value == 2) {
        x_ += next();
        y_ += next();
      } else {
        literals(value);
      }
    }
  }

 private:
  bool halves() const { return header_.bits == 4; }

  uint32_t next() { return reader_.slice(at_++, 1).front(); }

  void check_room(uint32_t count) const {
    if (x_ + count > header_.width) throw_damaged(kFormat, "a row is longer than the picture is wide");
  }

  void run(uint32_t count, uint32_t value) {
    check_room(count);
    for (uint32_t i = 0; i < count; ++i) put(!halves() ? value : i % 2 == 0 ? value >> 4 : value & 0xF);
  }

  void literals(uint32_t count) {
    check_room(count);
    const uint64_t begin = at_;
    uint32_t byte = 0;
    for (uint32_t i = 0; i < count; ++i) {
      if (!halves() || i % 2 == 0) byte = next();
      put(!halves() ? byte : i % 2 == 0 ? byte >> 4 : byte & 0xF);
    }
    at_ += (at_ - begin) % 2;
  }

  void put(uint32_t index) { picture_.set(x_++, y_, static_cast<uint8_t>(index)); }

  const BmpHeader& header_;
  const ByteReader& reader_;
  IndexedPicture& picture_;
  uint64_t at_;
  int64_t x_ = 0;
  int64_t y_ = 0;
};

}  // namespace

cv::Mat decode_indexed_bmp(const BmpHeader& header, const ByteReader& reader) {
  const bool known = header.bits == 1 || header.bits == 4 || header.bits == 8;
  const bool fits = header.compression == BmpCompression::kNone ||
                    header.bits == (header.compression == BmpCompression::kRle4 ? 4U : 8U);
  if (!known || !fits) throw_unsupported(fmt::format("BMP with {} bits per pixel", header.bits));
  const Palette palette = read_palette(header, reader);
  IndexedPicture picture(header, palette);
  if (header.is_run_length()) {
    RunLengths(header, reader, picture).read();
  } else {
    read_rows(header, reader, picture);
  }
  return picture.image();
}

}  // namespace zoo::pipeline
