#include "pipeline/images/encode_image.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/images/image_encoders.h"
#include "pipeline/images/png_writer.h"

namespace zoo::pipeline {
namespace {

struct Encoder {
  std::string_view extension;
  int max_side;
  std::vector<uint8_t> (*encode)(const cv::Mat& image);
};

constexpr int kMaxJpegSide = 65'500;  // JPEG_MAX_DIMENSION
constexpr int kMaxWebpSide = 16'383;  // WEBP_MAX_DIMENSION
constexpr int kMaxSide = 1 << 20;     // as read_image

constexpr std::array kEncoders = {
    Encoder{".jpg", kMaxJpegSide, encode_jpeg},  Encoder{".jpeg", kMaxJpegSide, encode_jpeg},
    Encoder{".jpe", kMaxJpegSide, encode_jpeg},  Encoder{".png", kMaxSide, write_png},
    Encoder{".bmp", kMaxSide, encode_bmp},       Encoder{".dib", kMaxSide, encode_bmp},
    Encoder{".webp", kMaxWebpSide, encode_webp}, Encoder{".tif", kMaxSide, encode_tiff},
    Encoder{".tiff", kMaxSide, encode_tiff},     Encoder{".ppm", kMaxSide, encode_ppm},
    Encoder{".pnm", kMaxSide, encode_ppm},
};

/// nullptr for none.
const Encoder* encoder_of(std::string_view extension) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  const auto found = std::ranges::find_if(
      kEncoders, [&](const Encoder& encoder) { return std::ranges::equal(encoder.extension, extension, same); });
  return found == kEncoders.end() ? nullptr : &*found;
}

}  // namespace

bool can_encode(std::string_view extension, cv::Size size) {
  const Encoder* encoder = encoder_of(extension);
  return encoder != nullptr && std::max(size.width, size.height) <= encoder->max_side;
}

std::vector<uint8_t> encode_image(const cv::Mat& image, std::string_view extension) {
  if (image.empty() || image.depth() != CV_8U || (image.channels() != 1 && image.channels() != 3)) {
    throw Error("encode_image: expected an 8-bit picture of one or three channels");
  }
  if (!can_encode(extension, image.size())) {
    throw Error(fmt::format("a picture of {}x{} pixels cannot be written as \"{}\"; \".png\" takes it", image.cols,
                            image.rows, extension));
  }
  const Encoder* encoder = encoder_of(extension);
  if (image.channels() == 3 || encoder->encode == write_png) return encoder->encode(image);
  cv::Mat bgr;
  cv::cvtColor(image, bgr, cv::COLOR_GRAY2BGR);
  return encoder->encode(bgr);
}

void write_image(const std::filesystem::path& file, const cv::Mat& image) {
  const std::vector<uint8_t> bytes = encode_image(image, file.extension().string());
  write_file(file, std::as_bytes(std::span(bytes)), Durability::kProcess);
}

}  // namespace zoo::pipeline
