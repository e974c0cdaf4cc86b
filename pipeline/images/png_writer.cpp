#include "pipeline/images/png_writer.h"

#include <csetjmp>
#include <png.h>
#include <string>
#include <utility>
#include <zlib.h>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::pipeline {
namespace {

struct Context {
  std::vector<uint8_t> bytes;
  std::string message;
};

void append(png_structp png, png_bytep data, png_size_t size) {
  auto& bytes = static_cast<Context*>(png_get_io_ptr(png))->bytes;
  bytes.insert(bytes.end(), data, data + size);
}

void keep_message(png_structp png, png_const_charp message) {
  static_cast<Context*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

void no_warning(png_structp /*png*/, png_const_charp /*message*/) {}

/// Frees what libpng holds.
struct Writer {
  explicit Writer(Context& context)
      : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, &context, keep_message, no_warning)),
        info(png == nullptr ? nullptr : png_create_info_struct(png)) {}
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  png_structp png;
  png_infop info;
};

/// What is written besides the size.
struct Format {
  int color_type = PNG_COLOR_TYPE_RGB;
  const png_color* palette = nullptr;
};

/// False after an error. libpng leaves it by longjmp: nothing in here may need a destructor.
bool write_rows(const Writer& writer, Context& context, const cv::Mat& image, const Format& format) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_write_fn(writer.png, &context, append, nullptr);
  if (format.palette == nullptr) {
    png_set_filter(writer.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(writer.png, Z_BEST_SPEED);
    png_set_compression_strategy(writer.png, Z_RLE);
  }
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.cols), static_cast<png_uint_32>(image.rows), 8,
               format.color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (format.palette != nullptr) png_set_PLTE(writer.png, writer.info, format.palette, 256);
  png_write_info(writer.png, writer.info);
  if (format.color_type == PNG_COLOR_TYPE_RGB) png_set_bgr(writer.png);
  for (int y = 0; y < image.rows; ++y) png_write_row(writer.png, image.ptr(y));
  png_write_end(writer.png, nullptr);
  return true;
}

std::vector<uint8_t> written(const cv::Mat& image, const Format& format) {
  Context context;
  const Writer writer(context);
  if (writer.png == nullptr || writer.info == nullptr) throw Error("PNG: libpng does not start");
  if (!write_rows(writer, context, image, format)) throw Error(fmt::format("PNG: libpng: {}", context.message));
  return std::move(context.bytes);
}

}  // namespace

std::vector<uint8_t> write_palette_png(const cv::Mat& labels, const std::array<Rgb, 256>& palette) {
  std::array<png_color, 256> colors{};
  for (size_t i = 0; i < colors.size(); ++i) colors[i] = {palette[i].r, palette[i].g, palette[i].b};
  return written(labels, {PNG_COLOR_TYPE_PALETTE, colors.data()});
}

std::vector<uint8_t> write_png(const cv::Mat& image) {
  return written(image, {image.channels() == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, nullptr});
}

}  // namespace zoo::pipeline
