// Label maps as palette pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/images/image_io.h"

namespace zoo::pipeline {

/// An 8-bit palette PNG whose indices are the labels and whose colours are PASCAL VOC's (voc_palette). `labels`: 8 bit,
/// one channel, not empty. Throws Error.
std::vector<uint8_t> encode_mask_png(const cv::Mat& labels);

/// Writes it to a file, see NewFile. Throws IoError.
void write_mask_png(const std::filesystem::path& file, const cv::Mat& labels);

/// Labels of a PNG: the indices of a palette picture, whatever its colours, or the values of a grey one, as stored (1
/// to 8 bits). 8 bit, one channel. Throws ImageError naming the file: no PNG, colours without a palette, 16 bits,
/// damaged.
cv::Mat read_mask_png(const std::filesystem::path& file, const ImageReadOptions& options = {});

/// The same for a file that is in memory; `name` is what messages show.
cv::Mat decode_mask_png(std::vector<uint8_t> bytes, std::string_view name, const ImageReadOptions& options = {});

}  // namespace zoo::pipeline
