#include "pipeline/images/png_reader.h"

#include <algorithm>
#include <csetjmp>
#include <png.h>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "PNG";

void take(png_structp png, png_bytep data, png_size_t size) {
  auto* source = static_cast<PngReader::Source*>(png_get_io_ptr(png));
  if (size > source->bytes.size() - source->position) png_error(png, "the file ends too early");
  std::copy_n(source->bytes.data() + source->position, size, data);
  source->position += size;
}

void keep_message(png_structp png, png_const_charp message) {
  static_cast<PngReader::Source*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

void no_warning(png_structp /*png*/, png_const_charp /*message*/) {}

}  // namespace

PngReader::PngReader(std::span<const uint8_t> bytes)
    : source_{bytes, 0, {}},
      png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, keep_message, no_warning)),
      info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
  const bool started = png_ != nullptr && info_ != nullptr;
  if (started && read_header()) return;
  png_destroy_read_struct(&png_, &info_, nullptr);
  if (!started) throw Error("PNG: libpng does not start");
  throw_damaged(kFormat, source_.message);
}

PngReader::~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

int PngReader::bits() const { return png_get_bit_depth(png_, info_); }

PngColor PngReader::color() const {
  switch (png_get_color_type(png_, info_)) {
    case PNG_COLOR_TYPE_GRAY:
      return PngColor::kGray;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return PngColor::kGrayAlpha;
    case PNG_COLOR_TYPE_PALETTE:
      return PngColor::kPalette;
    case PNG_COLOR_TYPE_RGB:
      return PngColor::kRgb;
    default:
      return PngColor::kRgbAlpha;
  }
}

cv::Mat PngReader::pixels() { return read(Kind::kPixels, CV_8UC3); }

cv::Mat PngReader::labels() { return read(Kind::kLabels, CV_8UC1); }

cv::Mat PngReader::read(Kind kind, int type) {
  cv::Mat image(static_cast<int>(png_get_image_height(png_, info_)), static_cast<int>(png_get_image_width(png_, info_)),
                type);
  std::vector<uint8_t*> rows;
  rows.reserve(static_cast<size_t>(image.rows));
  for (int y = 0; y < image.rows; ++y) rows.push_back(image.ptr(y));
  if (!read_rows(kind, rows)) throw_damaged(kFormat, source_.message);
  return image;
}

// libpng leaves these two by longjmp after an error: nothing in them may need a destructor.

bool PngReader::read_header() {
  if (setjmp(png_jmpbuf(png_)) != 0) return false;
  png_set_read_fn(png_, &source_, take);
  png_read_info(png_, info_);
  return true;
}

bool PngReader::read_rows(Kind kind, std::vector<uint8_t*>& rows) {
  if (setjmp(png_jmpbuf(png_)) != 0) return false;
  if (kind == Kind::kPixels) {
    png_set_strip_16(png_);
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    png_set_bgr(png_);
  } else {
    png_set_packing(png_);  // less than 8 bits: a byte per pixel, values as they are
  }
  png_set_interlace_handling(png_);
  png_read_update_info(png_, info_);
  png_read_image(png_, rows.data());
  png_read_end(png_, nullptr);
  return true;
}

}  // namespace zoo::pipeline
