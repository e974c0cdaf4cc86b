// Reading pictures from files, with an error for each way in which a file can be wrong.
//
// Formats: JPEG, PNG, BMP, WebP, TIFF (first page), PNM (P1 to P6); recognised by their content, not by their name. The
// pixels are those of Pillow's exif_transpose(Image.open(file)).convert("RGB"), in BGR order; docs/preprocessing.md has
// the table of what is done with alpha, 16 bit, CMYK and the like, and the few exceptions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "nn/core/error.h"

namespace zoo::pipeline {

/// Why a picture could not be read.
enum class ImageFault {
  kMissing,     ///< no such file, a folder, or no permission
  kEmpty,       ///< zero bytes
  kNotAnImage,  ///< no format we know, or a variant of one that we do not decode
  kTruncated,   ///< starts like an image, but ends too early or is damaged
  kTooLarge,    ///< the header promises more pixels than the limit (decompression bomb), or the file is over 512 MiB
  kNoMemory,    ///< there is no memory for its pixels now
};

class ImageError : public IoError {
 public:
  ImageError(ImageFault fault, const std::string& message) : IoError(message), fault_(fault) {}
  ImageFault fault() const { return fault_; }

 private:
  ImageFault fault_;
};

struct ImageReadOptions {
  /// Pictures with more pixels are refused before they are decoded. Default: Pillow's MAX_IMAGE_PIXELS,
  /// 1024^3 / 4 / 3 = 89,478,485.
  int64_t max_pixels = 89'478'485;
};

/// 8-bit BGR picture, upright (EXIF orientation applied). Alpha is dropped without blending, grey is widened to three
/// equal channels, of 16 bit the upper 8 are kept (as Pillow does for colour; PNM is scaled by its maximum instead). A
/// JPEG that lacks as little as its end marker, or of which the compressed data does not fit together, counts as
/// truncated; stray bytes between its segments, and bytes after the end of a picture, are ignored. Throws ImageError
/// naming the file. Thread-safe.
cv::Mat read_image(const std::filesystem::path& file, const ImageReadOptions& options = {});

/// The same for a file that is in memory; `name` is what messages show.
cv::Mat decode_image(std::vector<uint8_t> bytes, std::string_view name, const ImageReadOptions& options = {});

/// The bytes of a file that should be a picture. Throws ImageError where they cannot be read, or for none or too many.
std::vector<uint8_t> read_image_bytes(const std::filesystem::path& file);

/// Whether the extension is one that folders are searched for (jpg, jpeg, png, bmp, webp, tif, tiff, ppm, pgm), any
/// case.
bool has_image_extension(const std::filesystem::path& file);

}  // namespace zoo::pipeline
