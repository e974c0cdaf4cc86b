// PNG: the chunks are checked first, OpenCV (libpng) decodes what makes the pixels.
#include <opencv2/imgcodecs.hpp>

#include "pipeline/images/image_decoders.h"
#include "pipeline/images/png_chunks.h"

namespace zoo::pipeline {

DecodedImage decode_png(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  DecodedImage image;
  image.orientation = keep_pixel_chunks(bytes, options).orientation;
  image.pixels = decode_with_opencv(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, "PNG");
  return image;
}

}  // namespace zoo::pipeline
