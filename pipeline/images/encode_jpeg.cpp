// JPEG through libjpeg(-turbo): its defaults, quality 95.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <jpeglib.h>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "pipeline/images/encode_image.h"
#include "pipeline/images/image_encoders.h"

namespace zoo::pipeline {
namespace {

constexpr int kQuality = 95;

// libjpeg reports errors through a callback that must not return, so it jumps back to write(). Between the two there
// are only libjpeg's frames, and none with a destructor.
class JpegWriter {
 public:
  JpegWriter() {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) {
      auto& self = *static_cast<JpegWriter*>(info->client_data);
      self.errors_.format_message(info, self.message_);
      std::longjmp(self.jump_, 1);
    };
    errors_.output_message = [](j_common_ptr) {};
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(data_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  bool write(const cv::Mat& image, int quality) {
    if (setjmp(jump_) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &data_, &size_);
    info_.image_width = static_cast<JDIMENSION>(image.cols);
    info_.image_height = static_cast<JDIMENSION>(image.rows);
    info_.input_components = 3;
    info_.in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    while (info_.next_scanline < info_.image_height) {
      // libjpeg's interface knows no rows that stay as they are.
      JSAMPROW row = const_cast<JSAMPROW>(image.ptr(static_cast<int>(info_.next_scanline)));
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::vector<uint8_t> bytes() const { return {data_, data_ + size_}; }
  const char* message() const { return message_; }

 private:
  jpeg_compress_struct info_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf jump_{};
  unsigned char* data_ = nullptr;
  unsigned long size_ = 0;
  char message_[JMSG_LENGTH_MAX] = {};
};

}  // namespace

std::vector<uint8_t> encode_jpeg(const cv::Mat& image) { return encode_jpeg(image, kQuality); }

std::vector<uint8_t> encode_jpeg(const cv::Mat& image, int quality) {
  JpegWriter writer;
  if (image.channels() != 3 || image.depth() != CV_8U || !can_encode(".jpg", image.size())) {
    throw Error("JPEG: expected an 8-bit picture of three channels, at most 65500 pixels a side");
  }
  if (!writer.write(image, quality)) throw Error(fmt::format("JPEG: libjpeg: {}", writer.message()));
  return writer.bytes();
}

}  // namespace zoo::pipeline
