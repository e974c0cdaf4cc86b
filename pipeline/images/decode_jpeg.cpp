// JPEG through libjpeg(-turbo) itself: OpenCV decodes a truncated file without a word and fills the rest with grey.
// Settings are libjpeg's defaults (accurate integer DCT, smooth chroma upsampling), which are Pillow's as well.
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <jerror.h>
#include <jpeglib.h>

#include <fmt/format.h>

#include "pipeline/images/image_decoders.h"

namespace zoo::pipeline {
namespace {

constexpr std::string_view kFormat = "JPEG";
constexpr std::string_view kExifHeader("Exif\0\0", 6);

// A progressive file may repeat its scans without end; real ones have about ten.
constexpr int kMaxScans = 500;

bool is_unsupported(int code) {
  return code == JERR_BAD_PRECISION || code == JERR_SOF_UNSUPPORTED || code == JERR_CONVERSION_NOTIMPL ||
         code == JERR_ARITH_NOTIMPL || code == JERR_CCIR601_NOTIMPL || code == JERR_FRACT_SAMPLE_NOTIMPL ||
         code == JERR_COMPONENT_COUNT;
}

// libjpeg reports errors through callbacks that must not return, so they jump back to the method that called libjpeg.
// Between the two there are only libjpeg's frames and none with a destructor.
class JpegReader {
 public:
  explicit JpegReader(std::span<const uint8_t> bytes) : bytes_(bytes) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { self(info).stop(info); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0 && self(info).is_damage()) self(info).stop(info);
    };
    errors_.output_message = [](j_common_ptr) {};
    progress_.progress_monitor = [](j_common_ptr info) { self(info).check_scans(); };
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  const jpeg_decompress_struct& info() const { return info_; }

  bool read_header() {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes_.data(), bytes_.size());
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  /// Four-channel files yield CMYK, all others BGR.
  bool start() {
    if (setjmp(jump_) != 0) return false;
    info_.out_color_space = info_.num_components == 4 ? JCS_CMYK : JCS_EXT_BGR;
    jpeg_start_decompress(&info_);
    return true;
  }

  bool read_row(uint8_t* row) {
    if (setjmp(jump_) != 0) return false;
    JSAMPROW rows[] = {row};
    jpeg_read_scanlines(&info_, rows, 1);
    return true;
  }

  /// Reads up to the end marker.
  bool finish() {
    if (setjmp(jump_) != 0) return false;
    jpeg_finish_decompress(&info_);
    return true;
  }

  /// What made one of the above return false.
  [[noreturn]] void throw_error() const {
    if (is_unsupported(code_)) throw_unsupported(fmt::format("this kind of JPEG ({})", message_));
    if (code_ == JERR_IMAGE_TOO_BIG) throw ImageError(ImageFault::kTooLarge, message_);
    throw_damaged(kFormat, message_);
  }

 private:
  static JpegReader& self(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

  // Warnings after which the pixels are not what was stored. The others are about headers, or about stray bytes that
  // libjpeg skips between two segments or scans: what is decoded has been decoded before them.
  bool is_damage() const {
    switch (errors_.msg_code) {
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_NOT_SEQUENTIAL:
      case JWRN_ADOBE_XFORM:
      case JWRN_BOGUS_ICC:
      case JWRN_JFIF_MAJOR:
        return false;
      default:
        return true;
    }
  }

  void check_scans() {
    if (info_.input_scan_number <= kMaxScans) return;
    code_ = 0;
    std::snprintf(message_, sizeof(message_), "more than %d scans", kMaxScans);
    std::longjmp(jump_, 1);
  }

  [[noreturn]] void stop(j_common_ptr info) {
    code_ = errors_.msg_code;
    errors_.format_message(info, message_);
    std::longjmp(jump_, 1);
  }

  std::span<const uint8_t> bytes_;
  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  int code_ = 0;
  char message_[JMSG_LENGTH_MAX] = {};
};

// a * b / 255, rounded, as Pillow computes it.
int multiply(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// Adobe's programs store CMYK inverted, and Pillow takes every CMYK JPEG for one of theirs.
void inverted_cmyk_to_bgr(const uint8_t* src, uint8_t* dst, int count) {
  for (int x = 0; x < count; ++x, src += 4, dst += 3) {
    const int light = src[3];
    for (int c = 0; c < 3; ++c) dst[2 - c] = static_cast<uint8_t>(light - multiply(255 - src[c], light));
  }
}

int orientation_of(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const uint8_t> data(marker->data, marker->data_length);
    if (data.size() < kExifHeader.size()) continue;
    if (std::memcmp(data.data(), kExifHeader.data(), kExifHeader.size()) != 0) continue;
    return exif_orientation(data.subspan(kExifHeader.size()));
  }
  return 1;
}

}  // namespace

DecodedImage decode_jpeg(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  JpegReader reader(bytes);
  if (!reader.read_header()) reader.throw_error();
  const auto width = static_cast<int>(reader.info().image_width);
  const auto height = static_cast<int>(reader.info().image_height);
  check_size(kFormat, width, height, options);
  DecodedImage image{cv::Mat(height, width, CV_8UC3), orientation_of(reader.info())};
  if (!reader.start()) reader.throw_error();
  const bool cmyk = reader.info().out_color_space == JCS_CMYK;
  std::vector<uint8_t> line(cmyk ? static_cast<size_t>(width) * 4 : 0);
  for (int y = 0; y < height; ++y) {
    if (!reader.read_row(cmyk ? line.data() : image.pixels.ptr(y))) reader.throw_error();
    if (cmyk) inverted_cmyk_to_bgr(line.data(), image.pixels.ptr(y), width);
  }
  if (!reader.finish()) reader.throw_error();
  return image;
}

}  // namespace zoo::pipeline
