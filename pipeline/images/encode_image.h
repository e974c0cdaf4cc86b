// Pictures as files: JPEG, PNG, BMP, WebP, TIFF and PPM, through the libraries themselves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace zoo::pipeline {

/// Whether a picture of this size can be written as the format that an extension stands for, in any case: .jpg .jpeg
/// .jpe (up to 65,500 pixels a side), .png, .bmp .dib, .webp (up to 16,383), .tif .tiff, .ppm .pnm.
bool can_encode(std::string_view extension, cv::Size size);

/// The file of a picture. `image`: 8 bit, BGR or grey, not empty. JPEG of quality 95 with halved chroma, all others
/// without loss: WebP in its lossless form, TIFF with LZW. Throws Error for an extension or size that can_encode()
/// denies, or where a library fails. Thread-safe.
std::vector<uint8_t> encode_image(const cv::Mat& image, std::string_view extension);

/// A JPEG of a quality from 1 to 100, where size matters more. `image`, errors: as encode_image. Thread-safe.
std::vector<uint8_t> encode_jpeg(const cv::Mat& image, int quality);

/// Writes it to a file, by its extension, see NewFile. Throws Error, IoError.
void write_image(const std::filesystem::path& file, const cv::Mat& image);

}  // namespace zoo::pipeline
