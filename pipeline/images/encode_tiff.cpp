// TIFF, RGB with LZW, through libtiff.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <tiffio.h>
#include <utility>

#include "nn/core/error.h"
#include "pipeline/images/image_encoders.h"

namespace zoo::pipeline {
namespace {

struct File {
  std::vector<uint8_t> bytes;
  uint64_t position = 0;
};

File& file_of(thandle_t handle) { return *static_cast<File*>(handle); }

tmsize_t read(thandle_t handle, void* data, tmsize_t size) {
  File& file = file_of(handle);
  const uint64_t rest = file.bytes.size() - std::min<uint64_t>(file.position, file.bytes.size());
  const uint64_t count = std::min(rest, static_cast<uint64_t>(size));
  std::copy_n(file.bytes.begin() + static_cast<ptrdiff_t>(file.position), count, static_cast<uint8_t*>(data));
  file.position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t write(thandle_t handle, void* data, tmsize_t size) {
  File& file = file_of(handle);
  const uint64_t end = file.position + static_cast<uint64_t>(size);
  if (end > file.bytes.size()) file.bytes.resize(end);
  std::copy_n(static_cast<const uint8_t*>(data), size, file.bytes.begin() + static_cast<ptrdiff_t>(file.position));
  file.position = end;
  return size;
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  File& file = file_of(handle);
  if (whence == SEEK_CUR) offset += file.position;
  if (whence == SEEK_END) offset += file.bytes.size();
  file.position = offset;
  return offset;
}

int close(thandle_t /*handle*/) { return 0; }

toff_t size(thandle_t handle) { return file_of(handle).bytes.size(); }

int say_nothing(tiff* /*tiff*/, void* /*file*/, const char* /*module*/, const char* /*format*/, va_list /*values*/) {
  return 1;
}

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
struct CloseTiff {
  void operator()(tiff* tiff) const { TIFFClose(tiff); }
};

bool write_rows(tiff* tiff, const cv::Mat& image) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(image.cols));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(image.rows));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, TIFFDefaultStripSize(tiff, 0));
  std::vector<uint8_t> row(static_cast<size_t>(image.cols) * 3);
  for (int y = 0; y < image.rows; ++y) {
    const uint8_t* in = image.ptr(y);
    for (size_t x = 0; x < row.size(); x += 3) {
      for (size_t c = 0; c < 3; ++c) row[x + c] = in[x + 2 - c];
    }
    if (TIFFWriteScanline(tiff, row.data(), static_cast<uint32_t>(y), 0) != 1) return false;
  }
  return TIFFFlush(tiff) == 1;
}

}  // namespace

std::vector<uint8_t> encode_tiff(const cv::Mat& image) {
  File file;
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), say_nothing, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), say_nothing, nullptr);
  {
    const std::unique_ptr<tiff, CloseTiff> writer(
        TIFFClientOpenExt("picture", "w", &file, read, write, seek, close, size, nullptr, nullptr, options.get()));
    if (!writer || !write_rows(writer.get(), image)) throw Error("TIFF: libtiff cannot encode the picture");
  }
  return std::move(file.bytes);
}

}  // namespace zoo::pipeline
