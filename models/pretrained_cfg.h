// The preprocessing that a checkpoint's publisher states: `pretrained_cfg` in the config.json of timm's repositories.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hub/hub_cache.h"
#include "models/preprocess_config.h"
#include "models/pretrained.h"

namespace zoo::models {

/// Reads `pretrained_cfg` (input_size, crop_pct, interpolation, mean, std) of a file that nothing is believed about: at
/// most 1 MiB of JSON, every value of its type and range. The crop is input_size, the resize floor(crop / crop_pct).
/// Throws WeightError (`FILE: problem`) with the first problem.
PreprocessConfig read_pretrained_cfg(const std::filesystem::path& config_json);

/// How `found` differs from `expected`, one item each: `crop 256 instead of 224`. Empty if it does not.
std::vector<std::string> preprocess_differences(const PreprocessConfig& found, const PreprocessConfig& expected);

/// A known checkpoint's preprocessing and whose word it is.
struct PretrainedPreprocess {
  PreprocessConfig config;
  std::string origin;  ///< "FILE (pretrained_cfg)", "the table of known checkpoints (NAME)"
};

/// From the cached config.json; without one from the table. Empty if neither says anything. Throws WeightError if the
/// cached file is broken.
std::optional<PretrainedPreprocess> pretrained_preprocess(const PretrainedCheckpoint& known,
                                                          const hub::HubSettings& settings);

}  // namespace zoo::models
