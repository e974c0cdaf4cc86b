// Class names of a model file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::models {

/// The classes of torchvision's COCO detectors, number 0 being the background; numbers that COCO does not use are "N/A".
const std::vector<std::string>& coco91_labels();
/// The classes of torchvision's segmenters, number 0 being the background.
const std::vector<std::string>& voc21_labels();

/// Reads `model.labels`: null or absent: none; `imagenet1k`, `coco91`, `voc21`: the built-in lists; anything else: a
/// UTF-8 text file with one label per line, its path relative to `folder` (the model file's). Problems (no such file,
/// empty or repeated lines, ...) are recorded in the node and yield an empty list.
std::vector<std::string> decode_labels(const ConfigNode& node, const std::filesystem::path& folder);

}  // namespace zoo::models
