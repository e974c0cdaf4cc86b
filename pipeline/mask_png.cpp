#include "pipeline/mask_png.h"

#include <array>
#include <csetjmp>
#include <memory>
#include <png.h>
#include <string>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/palette.h"
#include "pipeline/write_file.h"

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

/// False after an error. libpng leaves it by longjmp: nothing in here may need a destructor.
bool write_picture(const Writer& writer, Context& context, const cv::Mat& labels, const png_color* colors, int count) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_write_fn(writer.png, &context, append, nullptr);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(labels.cols), static_cast<png_uint_32>(labels.rows), 8,
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(writer.png, writer.info, colors, count);
  png_write_info(writer.png, writer.info);
  for (int y = 0; y < labels.rows; ++y) png_write_row(writer.png, labels.ptr(y));
  png_write_end(writer.png, nullptr);
  return true;
}

}  // namespace

std::vector<uint8_t> encode_mask_png(const cv::Mat& labels) {
  if (labels.empty() || labels.type() != CV_8UC1) throw Error("mask: expected 8-bit labels");
  std::array<png_color, 256> colors{};
  for (size_t i = 0; i < colors.size(); ++i) {
    const Rgb& color = voc_palette()[i];
    colors[i] = {color.r, color.g, color.b};
  }
  Context context;
  const Writer writer(context);
  if (writer.png == nullptr || writer.info == nullptr) throw Error("mask: libpng does not start");
  if (!write_picture(writer, context, labels, colors.data(), static_cast<int>(colors.size()))) {
    throw Error(fmt::format("mask: libpng: {}", context.message));
  }
  return std::move(context.bytes);
}

void write_mask_png(const std::filesystem::path& file, const cv::Mat& labels) {
  write_file(file, encode_mask_png(labels));
}

}  // namespace zoo::pipeline
