// Label maps as palette pictures (the only place that includes libpng: OpenCV cannot write palettes).
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace zoo::pipeline {

/// An 8-bit palette PNG whose indices are the labels and whose colours are PASCAL VOC's (voc_palette). `labels`: 8 bit,
/// one channel, not empty. Throws Error.
std::vector<uint8_t> encode_mask_png(const cv::Mat& labels);

/// Writes it to a file. Throws IoError.
void write_mask_png(const std::filesystem::path& file, const cv::Mat& labels);

}  // namespace zoo::pipeline
