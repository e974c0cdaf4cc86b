#include "pipeline/images/image_io.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "nn/core/files.h"
#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr uintmax_t kMaxFileBytes = uintmax_t{512} << 20;

constexpr std::array<std::string_view, 9> kExtensions = {".jpg", ".jpeg", ".png", ".bmp", ".webp",
                                                         ".tif", ".tiff", ".ppm", ".pgm"};

[[noreturn]] void fail(ImageFault fault, std::string_view name, std::string_view problem) {
  throw ImageError(fault, fmt::format("cannot read image '{}': {}", name, problem));
}

DecodedImage decode(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  switch (detect_format(bytes)) {
    case ImageFormat::kJpeg:
      return decode_jpeg(bytes, options);
    case ImageFormat::kPng:
      return decode_png(bytes, options);
    case ImageFormat::kBmp:
      return decode_bmp(bytes, options);
    case ImageFormat::kWebp:
      return decode_webp(bytes, options);
    case ImageFormat::kTiff:
      return decode_tiff(bytes, options);
    case ImageFormat::kPnm:
      break;
  }
  return decode_pnm(bytes, options);
}

// EXIF 2.32, tag 0x0112: where row 0 and column 0 of the stored picture belong.
cv::Mat upright(const DecodedImage& image) {
  cv::Mat result;
  switch (image.orientation) {
    case 2:
      cv::flip(image.pixels, result, 1);
      return result;
    case 3:
      cv::rotate(image.pixels, result, cv::ROTATE_180);
      return result;
    case 4:
      cv::flip(image.pixels, result, 0);
      return result;
    case 5:
      cv::transpose(image.pixels, result);
      return result;
    case 6:
      cv::rotate(image.pixels, result, cv::ROTATE_90_CLOCKWISE);
      return result;
    case 7:
      cv::transpose(image.pixels, result);
      cv::rotate(result, result, cv::ROTATE_180);
      return result;
    case 8:
      cv::rotate(image.pixels, result, cv::ROTATE_90_COUNTERCLOCKWISE);
      return result;
    default:
      return image.pixels;
  }
}

}  // namespace

std::vector<uint8_t> read_image_bytes(const std::filesystem::path& file) {
  namespace fs = std::filesystem;
  const std::string name = file.string();
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) fail(ImageFault::kMissing, name, "no such file");
  if (status.type() == fs::file_type::none) fail(ImageFault::kMissing, name, error.message());
  if (status.type() == fs::file_type::directory) fail(ImageFault::kMissing, name, "it is a folder");
  if (status.type() != fs::file_type::regular) fail(ImageFault::kMissing, name, "it is not a regular file");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  const uintmax_t size = fs::file_size(file, error);
  if (!stream || error) {
    fail(ImageFault::kMissing, name, error ? error.message() : errno_text());
  }
  if (size == 0) fail(ImageFault::kEmpty, name, "the file is empty");
  if (size > kMaxFileBytes) {
    fail(ImageFault::kTooLarge, name,
         fmt::format("the file has {} bytes, but it may have at most {}", size, kMaxFileBytes));
  }
  std::vector<uint8_t> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (stream.gcount() != static_cast<std::streamsize>(size)) {
    fail(ImageFault::kTruncated, name, fmt::format("only {} of its {} bytes could be read", stream.gcount(), size));
  }
  return bytes;
}

cv::Mat decode_image(std::vector<uint8_t> bytes, std::string_view name, const ImageReadOptions& options) {
  if (bytes.empty()) fail(ImageFault::kEmpty, name, "the file is empty");
  try {
    return upright(decode(bytes, options));
  } catch (const ImageError& e) {
    fail(e.fault(), name, e.what());
  } catch (const cv::Exception& e) {
    fail(e.code == cv::Error::StsNoMem ? ImageFault::kNoMemory : ImageFault::kTooLarge, name, e.err);
  }
}

cv::Mat read_image(const std::filesystem::path& file, const ImageReadOptions& options) {
  return decode_image(read_image_bytes(file), file.string(), options);
}

bool has_image_extension(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

}  // namespace zoo::pipeline
