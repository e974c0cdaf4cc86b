// PNG: the chunks are checked first, libpng decodes what makes the pixels.
#include "pipeline/images/image_decoders.h"
#include "pipeline/images/png_chunks.h"
#include "pipeline/images/png_reader.h"

namespace zoo::pipeline {

DecodedImage decode_png(std::vector<uint8_t>& bytes, const ImageReadOptions& options) {
  DecodedImage image;
  image.orientation = keep_pixel_chunks(bytes, options).orientation;
  image.pixels = PngReader(bytes).pixels();
  return image;
}

}  // namespace zoo::pipeline
