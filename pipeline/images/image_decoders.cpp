#include "pipeline/images/image_decoders.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace zoo::pipeline {
namespace {

using namespace std::string_view_literals;

constexpr int64_t kMaxSide = 1 << 20;

struct Unsupported {
  std::string_view name;
  size_t offset;
  std::string_view magic;
};

constexpr std::string_view kVideo = "a video (MP4, MOV) as a picture";

constexpr std::array kUnsupported = {
    Unsupported{"BigTIFF", 0, "II\x2B\0"sv},
    Unsupported{"BigTIFF", 0, "MM\0\x2B"sv},
    Unsupported{"JPEG 2000", 4, "jP  "sv},
    Unsupported{"JPEG 2000", 0, "\xFF\x4F\xFF\x51"sv},
    Unsupported{"JPEG XL", 0, "\xFF\x0A"sv},
    Unsupported{"JPEG XL", 4, "JXL "sv},
    Unsupported{"HEIF or AVIF", 4, "ftyphe"sv},
    Unsupported{"HEIF or AVIF", 4, "ftypavi"sv},
    Unsupported{"HEIF or AVIF", 4, "ftypmif1"sv},
    Unsupported{"HEIF or AVIF", 4, "ftypmsf1"sv},
    Unsupported{kVideo, 4, "ftyp"sv},
    Unsupported{"PAM", 0, "P7\n"sv},
    Unsupported{"Photoshop", 0, "8BPS"sv},
    Unsupported{"PDF", 0, "%PDF"sv},
    Unsupported{"OpenEXR", 0, "\x76\x2F\x31\x01"sv},
};

}  // namespace

ImageFormat detect_format(std::span<const uint8_t> bytes) {
  const auto starts_with = [bytes](std::string_view magic, size_t offset = 0) {
    return bytes.size() >= offset + magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<ptrdiff_t>(offset),
                      [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
  };
  if (starts_with("\xFF\xD8\xFF"sv)) return ImageFormat::kJpeg;
  if (starts_with("\x89PNG\r\n\x1A\n"sv)) return ImageFormat::kPng;
  if (starts_with("BM"sv)) return ImageFormat::kBmp;
  if (starts_with("RIFF"sv) && starts_with("WEBP"sv, 8)) return ImageFormat::kWebp;
  if (starts_with("II\x2A\0"sv) || starts_with("MM\0\x2A"sv)) return ImageFormat::kTiff;
  const bool white = bytes.size() > 2 && std::ranges::find("\t\n\v\f\r #"sv, bytes[2]) != "\t\n\v\f\r #"sv.end();
  if (bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && white) return ImageFormat::kPnm;
  if (starts_with("GIF8"sv)) {
    throw ImageError(ImageFault::kNotAnImage,
                     "GIF is not supported as a picture; predict reads a file that is named .gif as a film");
  }
  for (const Unsupported& format : kUnsupported) {
    if (starts_with(format.magic, format.offset)) throw_unsupported(format.name);
  }
  throw ImageError(ImageFault::kNotAnImage, "not an image (known formats: JPEG, PNG, BMP, WebP, TIFF, PNM)");
}

void check_size(std::string_view format, int64_t width, int64_t height, const ImageReadOptions& options) {
  if (width < 1 || height < 1) throw_damaged(format, fmt::format("the size is {}x{}", width, height));
  if (width > kMaxSide || height > kMaxSide) {
    throw ImageError(ImageFault::kTooLarge,
                     fmt::format("{}x{} pixels, but a side may have at most {}", width, height, kMaxSide));
  }
  if (width * height > options.max_pixels) {
    throw ImageError(ImageFault::kTooLarge,
                     fmt::format("{}x{} pixels, but a picture may have at most {}", width, height, options.max_pixels));
  }
}

void throw_damaged(std::string_view format, std::string_view detail) {
  throw ImageError(ImageFault::kTruncated, fmt::format("{} data is truncated or damaged: {}", format, detail));
}

void throw_unsupported(std::string_view what) {
  throw ImageError(ImageFault::kNotAnImage, fmt::format("{} is not supported", what));
}

std::span<const uint8_t> ByteReader::slice(uint64_t offset, uint64_t count) const {
  if (!has(offset, count)) {
    throw_damaged(format_, fmt::format("{} bytes at {} are wanted of {}", count, offset, size()));
  }
  return bytes_.subspan(offset, count);
}

uint32_t ByteReader::number(uint64_t offset, size_t count) const {
  const std::span<const uint8_t> bytes = slice(offset, count);
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[order_ == std::endian::big ? i : count - 1 - i];
  }
  return value;
}

}  // namespace zoo::pipeline
