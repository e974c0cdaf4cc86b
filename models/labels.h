// Class names of a model file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::models {

/// The classes of torchvision's COCO detectors, number 0 being the background; numbers that COCO does not use are
/// "N/A".
const std::vector<std::string>& coco91_labels();
/// The classes of torchvision's segmenters, number 0 being the background.
const std::vector<std::string>& voc21_labels();

/// The WordNet ids of ImageNet-1k's classes, in their order ("n01440764" is class 0): how its own folders are called.
const std::vector<std::string>& imagenet1k_wordnet_ids();

/// Reads `model.labels`: null or absent: none; `imagenet1k`, `coco91`, `voc21`: the built-in lists; anything else: a
/// UTF-8 text file with one label per line, its path relative to `folder` (the model file's); a byte order mark before
/// them and blank lines behind them count as nothing. Problems (no such file, empty or repeated lines, control
/// characters, ...) are recorded in the node and yield an empty list.
std::vector<std::string> decode_labels(const ConfigNode& node, const std::filesystem::path& folder);

/// The file that decode_labels reads; empty where it reads none.
std::filesystem::path labels_file(const ConfigNode& node, const std::filesystem::path& folder);

}  // namespace zoo::models
