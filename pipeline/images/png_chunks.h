// What a PNG file is made of, read without libpng.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/images/image_io.h"

namespace zoo::pipeline {

/// Whether the file begins with PNG's signature.
bool is_png(std::span<const uint8_t> bytes);

/// What the chunks beside the pixels say.
struct PngHeader {
  int64_t width = 0;
  int64_t height = 0;
  int orientation = 1;  ///< EXIF tag 0x0112, 1 to 8; of an eXIf chunk, else of a text chunk (png_exif.h)
};

/// Checks the chunks up to IEND and leaves in `bytes` only the signature and those that make the pixels (IHDR, PLTE,
/// IDAT, IEND), each inside the file and with its checksum: libpng then has no length to trust, nothing to complain
/// about on stderr, and no transparency to blend in. `bytes` begin with PNG's signature. Throws ImageError without the
/// file's name: kTruncated, kTooLarge, kNotAnImage for Apple's CgBI variant.
PngHeader keep_pixel_chunks(std::vector<uint8_t>& bytes, const ImageReadOptions& options);

}  // namespace zoo::pipeline
