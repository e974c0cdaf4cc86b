#include "pipeline/images/tiff_reader.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <new>
#include <tiffio.h>
#include <vector>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "TIFF";

TiffReader::File& file_of(thandle_t handle) { return *static_cast<TiffReader::File*>(handle); }

tmsize_t read(thandle_t handle, void* data, tmsize_t size) {
  TiffReader::File& file = file_of(handle);
  const uint64_t rest = file.bytes.size() - std::min<uint64_t>(file.position, file.bytes.size());
  const uint64_t count = std::min(rest, static_cast<uint64_t>(size));
  std::copy_n(file.bytes.begin() + static_cast<ptrdiff_t>(file.position), count, static_cast<uint8_t*>(data));
  file.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write(thandle_t /*handle*/, void* /*data*/, tmsize_t /*size*/) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  TiffReader::File& file = file_of(handle);
  if (whence == SEEK_CUR) offset += file.position;
  if (whence == SEEK_END) offset += file.bytes.size();
  file.position = offset;
  return offset;
}

int close(thandle_t /*handle*/) { return 0; }

toff_t size(thandle_t handle) { return file_of(handle).bytes.size(); }

int keep_message(tiff* /*tiff*/, void* file, const char* /*module*/, const char* format, va_list values) {
  std::string& message = static_cast<TiffReader::File*>(file)->message;
  char text[256];
  if (message.empty() && std::vsnprintf(text, sizeof(text), format, values) > 0) message = text;
  return 1;  // said; the handler of the whole process is not asked
}

int no_warning(tiff* /*tiff*/, void* /*file*/, const char* /*module*/, const char* /*format*/, va_list /*values*/) {
  return 1;
}

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// Samples of 9 to 16 bits: of 16 as the machine has them, of fewer without gaps, the highest bit first.
uint8_t upper_byte(const uint8_t* row, uint64_t sample, uint32_t bits) {
  if (bits == 16) {
    uint16_t value = 0;
    std::copy_n(row + sample * 2, 2, reinterpret_cast<uint8_t*>(&value));
    return static_cast<uint8_t>(value >> 8);
  }
  const uint64_t bit = sample * bits;
  const uint32_t pair = uint32_t{row[bit / 8]} << 8 | row[bit / 8 + 1];  // a sample of 9 bits or more reaches into it
  return static_cast<uint8_t>(pair >> (8 - bit % 8));
}

}  // namespace

struct TiffReader::Layout {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t bits = 0;
  uint32_t samples = 0;
  uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  bool planes = false;  ///< a segment holds one sample of its pixels, not all
  bool tiles = false;
  uint32_t segment_width = 0;
  uint32_t segment_height = 0;

  bool is_gray() const { return photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE; }
  uint32_t channels() const { return is_gray() ? 1 : 3; }
  uint64_t row_bytes() const { return (uint64_t{segment_width} * (planes ? 1 : samples) * bits + 7) / 8; }
};

TiffReader::TiffReader(std::span<const uint8_t> bytes) : file_(std::make_unique<File>(File{bytes, 0, {}})) {
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, file_.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), no_warning, file_.get());
  tiff_ =
      TIFFClientOpenExt("picture", "rm", file_.get(), read, write, seek, close, size, nullptr, nullptr, options.get());
  if (tiff_ == nullptr) fail();
}

TiffReader::~TiffReader() { TIFFClose(tiff_); }

void TiffReader::fail() const {
  throw_damaged(kFormat, file_->message.empty() ? "it cannot be decoded" : file_->message);
}

uint32_t TiffReader::number(uint32_t tag) const {
  uint16_t value = 0;
  return TIFFGetFieldDefaulted(tiff_, tag, &value) == 1 ? value : 0;
}

cv::Mat TiffReader::colors() {
  TIFFRGBAImage reader{};
  char problem[1024] = "";
  if (TIFFRGBAImageBegin(&reader, tiff_, 1, problem) == 0) throw_unsupported(fmt::format("this TIFF ({})", problem));
  const std::unique_ptr<TIFFRGBAImage, void (*)(TIFFRGBAImage*)> end(&reader, TIFFRGBAImageEnd);
  reader.req_orientation = ORIENTATION_TOPLEFT;
  uint32_t band = reader.height;
  TIFFGetField(tiff_, TIFFTAG_ROWSPERSTRIP, &band);
  if (TIFFIsTiled(tiff_) != 0) TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &band);
  band = std::clamp(band, 1U, reader.height);

  cv::Mat image(static_cast<int>(reader.height), static_cast<int>(reader.width), CV_8UC3);
  std::vector<uint32_t> pixels(uint64_t{reader.width} * band);
  for (uint32_t top = 0; top < reader.height; top += band) {
    const uint32_t rows = std::min(band, reader.height - top);
    reader.row_offset = static_cast<int>(top);
    if (TIFFRGBAImageGet(&reader, pixels.data(), reader.width, rows) == 0) fail();
    for (uint32_t y = 0; y < rows; ++y) {
      const uint32_t* in = &pixels[uint64_t{y} * reader.width];
      uint8_t* out = image.ptr(static_cast<int>(top + y));
      for (uint32_t x = 0; x < reader.width; ++x, ++in, out += 3) {
        out[0] = static_cast<uint8_t>(TIFFGetB(*in));
        out[1] = static_cast<uint8_t>(TIFFGetG(*in));
        out[2] = static_cast<uint8_t>(TIFFGetR(*in));
      }
    }
  }
  return image;
}

TiffReader::Layout TiffReader::layout() const {
  Layout layout;
  TIFFGetField(tiff_, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(tiff_, TIFFTAG_IMAGELENGTH, &layout.height);
  layout.bits = number(TIFFTAG_BITSPERSAMPLE);
  layout.samples = number(TIFFTAG_SAMPLESPERPIXEL);
  layout.planes = number(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
  TIFFGetField(tiff_, TIFFTAG_PHOTOMETRIC, &layout.photometric);
  if (!layout.is_gray() && (layout.photometric != PHOTOMETRIC_RGB || layout.samples < 3)) {
    throw_unsupported(
        fmt::format("TIFF with {} bits per sample and photometric interpretation {}", layout.bits, layout.photometric));
  }
  layout.tiles = TIFFIsTiled(tiff_) != 0;
  layout.segment_width = layout.width;
  layout.segment_height = layout.height;
  if (layout.tiles) {
    TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &layout.segment_width);
    TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &layout.segment_height);
  } else {
    uint32_t rows = layout.height;
    TIFFGetFieldDefaulted(tiff_, TIFFTAG_ROWSPERSTRIP, &rows);
    layout.segment_height = std::clamp(rows, 1U, layout.height);
  }
  return layout;
}

void TiffReader::read_segment(const Layout& layout, const Place& place, std::span<uint8_t> segment) const {
  const auto plane = static_cast<uint16_t>(place.plane);
  const uint32_t rows = std::min(layout.segment_height, layout.height - place.top);
  const auto wanted = static_cast<tmsize_t>(layout.row_bytes() * (layout.tiles ? layout.segment_height : rows));
  const tmsize_t read =
      layout.tiles
          ? TIFFReadEncodedTile(tiff_, TIFFComputeTile(tiff_, place.left, place.top, 0, plane), segment.data(), wanted)
          : TIFFReadEncodedStrip(tiff_, TIFFComputeStrip(tiff_, place.top, plane), segment.data(), wanted);
  if (read != wanted) fail();
}

/// The samples of `segment` that lie in the picture go to `part` of it: all colours, or that of the plane.
void TiffReader::unpack(const Layout& layout, uint32_t plane, std::span<const uint8_t> segment, cv::Mat& part) {
  const uint64_t step = layout.planes ? 1 : layout.samples;
  for (int y = 0; y < part.rows; ++y) {
    const uint8_t* row = &segment[static_cast<uint64_t>(y) * layout.row_bytes()];
    uint8_t* out = part.ptr(y);
    for (int x = 0; x < part.cols; ++x, out += 3) {
      const uint64_t first = static_cast<uint64_t>(x) * step;
      if (layout.is_gray()) {
        const uint8_t value = upper_byte(row, first, layout.bits);
        std::fill_n(out, 3, layout.photometric == PHOTOMETRIC_MINISWHITE ? static_cast<uint8_t>(~value) : value);
      } else if (layout.planes) {
        out[2 - plane] = upper_byte(row, first, layout.bits);
      } else {
        for (uint32_t c = 0; c < 3; ++c) out[2 - c] = upper_byte(row, first + c, layout.bits);
      }
    }
  }
}

cv::Mat TiffReader::deep_colors() {
  const Layout layout = this->layout();
  cv::Mat image(static_cast<int>(layout.height), static_cast<int>(layout.width), CV_8UC3);
  std::vector<uint8_t> segment(layout.row_bytes() * layout.segment_height);
  for (uint32_t plane = 0; plane < (layout.planes ? layout.channels() : 1); ++plane) {
    for (uint32_t top = 0; top < layout.height; top += layout.segment_height) {
      const uint32_t rows = std::min(layout.segment_height, layout.height - top);
      for (uint32_t left = 0; left < layout.width; left += layout.segment_width) {
        const uint32_t columns = std::min(layout.segment_width, layout.width - left);
        read_segment(layout, {left, top, plane}, segment);
        cv::Mat part = image.colRange(static_cast<int>(left), static_cast<int>(left + columns))
                           .rowRange(static_cast<int>(top), static_cast<int>(top + rows));
        unpack(layout, plane, segment, part);
      }
    }
  }
  return image;
}

}  // namespace zoo::pipeline
