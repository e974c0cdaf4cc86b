// Class names of a model file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::models {

/// Reads `model.labels`: null or absent: none; `imagenet1k`: the built-in list; anything else: a UTF-8 text file with
/// one label per line, its path relative to `folder` (the model file's). Problems (no such file, empty or repeated
/// lines,
/// ...) are recorded in the node and yield an empty list.
std::vector<std::string> decode_labels(const ConfigNode& node, const std::filesystem::path& folder);

}  // namespace zoo::models
