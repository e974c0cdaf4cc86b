#include "pipeline/images/mask_png.h"

#include <span>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/images/palette.h"
#include "pipeline/images/png_chunks.h"
#include "pipeline/images/png_reader.h"
#include "pipeline/images/png_writer.h"

namespace zoo::pipeline {
namespace {

const char* name_of(PngColor color) {
  switch (color) {
    case PngColor::kGray:
      return "grey";
    case PngColor::kGrayAlpha:
      return "grey with alpha";
    case PngColor::kPalette:
      return "palette indices";
    case PngColor::kRgb:
      return "RGB";
    case PngColor::kRgbAlpha:
      break;
  }
  return "RGB with alpha";
}

[[noreturn]] void fail(ImageFault fault, std::string_view name, std::string_view problem) {
  throw ImageError(fault, fmt::format("cannot read mask '{}': {}", name, problem));
}

}  // namespace

cv::Mat decode_mask_png(std::vector<uint8_t> bytes, std::string_view name, const ImageReadOptions& options) {
  if (!is_png(bytes)) fail(ImageFault::kNotAnImage, name, "expected a PNG with palette indices or grey values");
  try {
    keep_pixel_chunks(bytes, options);
    PngReader reader(bytes);
    if (reader.bits() > 8 || (reader.color() != PngColor::kPalette && reader.color() != PngColor::kGray)) {
      throw ImageError(ImageFault::kNotAnImage,
                       fmt::format("expected palette indices or grey values of at most 8 bits, found {} of {} bits",
                                   name_of(reader.color()), reader.bits()));
    }
    return reader.labels();
  } catch (const ImageError& error) {
    fail(error.fault(), name, error.what());
  }
}

cv::Mat read_mask_png(const std::filesystem::path& file, const ImageReadOptions& options) {
  return decode_mask_png(read_image_bytes(file), file.string(), options);
}

std::vector<uint8_t> encode_mask_png(const cv::Mat& labels) {
  if (labels.empty() || labels.type() != CV_8UC1) throw Error("mask: expected 8-bit labels");
  return write_palette_png(labels, voc_palette());
}

void write_mask_png(const std::filesystem::path& file, const cv::Mat& labels) {
  const std::vector<uint8_t> bytes = encode_mask_png(labels);
  write_file(file, std::as_bytes(std::span(bytes)), Durability::kProcess);
}

}  // namespace zoo::pipeline
