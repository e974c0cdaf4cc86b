// A chosen threshold written into a model file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "models/answer_config.h"

namespace zoo::models {

/// `unknown: {score: margin, threshold: 0.61}`: what belongs under `model`.
std::string to_yaml(const UnknownConfig& config);

/// The text of a model file with this as its `model.unknown`: the values of the key that is there, else a line below
/// `task`. Nothing else changes, comments and line ends included. `file` is what messages name. Throws ConfigError
/// where the text is no model file, or is laid out so that this cannot be done safely (`model` or `unknown` on one line
/// with other keys, anchors, `unknown` without a value).
std::string with_unknown(std::string_view text, const std::filesystem::path& file, const UnknownConfig& config);

}  // namespace zoo::models
