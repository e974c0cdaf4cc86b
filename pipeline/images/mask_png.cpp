#include "pipeline/images/mask_png.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <memory>
#include <png.h>
#include <span>
#include <string>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/files.h"
#include "pipeline/images/palette.h"
#include "pipeline/images/png_chunks.h"

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

/// What is being read, and how far that is.
struct Source {
  const std::vector<uint8_t>& bytes;
  size_t position = 0;
  std::string message;
};

void take(png_structp png, png_bytep data, png_size_t size) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (size > source->bytes.size() - source->position) png_error(png, "the file ends too early");
  std::copy_n(source->bytes.data() + source->position, size, data);
  source->position += size;
}

void keep_source_message(png_structp png, png_const_charp message) {
  static_cast<Source*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

/// Frees what libpng holds.
struct Reader {
  explicit Reader(Source& source)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, keep_source_message, no_warning)),
        info(png == nullptr ? nullptr : png_create_info_struct(png)) {}
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  png_structp png;
  png_infop info;
};

/// False after an error; as write_picture.
bool read_header(const Reader& reader, Source& source) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &source, take);
  png_read_info(reader.png, reader.info);
  return true;
}

/// `rows`: one pointer per row, with a byte per pixel each.
bool read_rows(const Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_packing(reader.png);  // less than 8 bits: a byte per pixel, values as they are
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

const char* kind_of(int color_type) {
  switch (color_type) {
    case PNG_COLOR_TYPE_GRAY:
      return "grey";
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return "grey with alpha";
    case PNG_COLOR_TYPE_RGB:
      return "RGB";
    default:
      return "RGB with alpha";
  }
}

[[noreturn]] void fail(ImageFault fault, std::string_view name, std::string_view problem) {
  throw ImageError(fault, fmt::format("cannot read mask '{}': {}", name, problem));
}

}  // namespace

cv::Mat decode_mask_png(std::vector<uint8_t> bytes, std::string_view name, const ImageReadOptions& options) {
  constexpr size_t kSignatureSize = 8;
  if (bytes.size() < kSignatureSize || png_sig_cmp(bytes.data(), 0, kSignatureSize) != 0) {
    fail(ImageFault::kNotAnImage, name, "expected a PNG with palette indices or grey values");
  }
  try {
    keep_pixel_chunks(bytes, options);
  } catch (const ImageError& error) {
    fail(error.fault(), name, error.what());
  }
  Source source{bytes, 0, {}};
  const Reader reader(source);
  if (reader.png == nullptr || reader.info == nullptr) throw Error("mask: libpng does not start");
  if (!read_header(reader, source)) fail(ImageFault::kTruncated, name, source.message);
  const int bits = png_get_bit_depth(reader.png, reader.info);
  const int color_type = png_get_color_type(reader.png, reader.info);
  if (bits > 8 || (color_type != PNG_COLOR_TYPE_PALETTE && color_type != PNG_COLOR_TYPE_GRAY)) {
    fail(ImageFault::kNotAnImage, name,
         fmt::format("expected palette indices or grey values of at most 8 bits, found {} of {} bits",
                     kind_of(color_type), bits));
  }
  cv::Mat labels(static_cast<int>(png_get_image_height(reader.png, reader.info)),
                 static_cast<int>(png_get_image_width(reader.png, reader.info)), CV_8UC1);
  std::vector<png_bytep> rows;
  rows.reserve(static_cast<size_t>(labels.rows));
  for (int y = 0; y < labels.rows; ++y) rows.push_back(labels.ptr(y));
  if (!read_rows(reader, rows.data())) fail(ImageFault::kTruncated, name, source.message);
  return labels;
}

cv::Mat read_mask_png(const std::filesystem::path& file, const ImageReadOptions& options) {
  return decode_mask_png(read_image_bytes(file), file.string(), options);
}

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
  const std::vector<uint8_t> bytes = encode_mask_png(labels);
  write_file(file, std::as_bytes(std::span(bytes)), Durability::kProcess);
}

}  // namespace zoo::pipeline
