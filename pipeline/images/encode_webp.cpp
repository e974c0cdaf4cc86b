// WebP, lossless, through libwebp.
#include <memory>
#include <webp/encode.h>

#include "nn/core/error.h"
#include "pipeline/images/image_encoders.h"

namespace zoo::pipeline {

std::vector<uint8_t> encode_webp(const cv::Mat& image) {
  uint8_t* data = nullptr;
  const size_t size = WebPEncodeLosslessBGR(image.data, image.cols, image.rows, static_cast<int>(image.step), &data);
  const std::unique_ptr<uint8_t, void (*)(void*)> owner(data, WebPFree);
  if (size == 0) throw Error("WebP: libwebp cannot encode the picture");
  return {data, data + size};
}

}  // namespace zoo::pipeline
