// The encoders behind encode_image, one source file per format. `image`: 8-bit BGR, not empty, of a size that fits.
// Throw Error.
#pragma once

#include <cstdint>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace zoo::pipeline {

std::vector<uint8_t> encode_jpeg(const cv::Mat& image);
std::vector<uint8_t> encode_bmp(const cv::Mat& image);
std::vector<uint8_t> encode_webp(const cv::Mat& image);
std::vector<uint8_t> encode_tiff(const cv::Mat& image);
std::vector<uint8_t> encode_ppm(const cv::Mat& image);

}  // namespace zoo::pipeline
