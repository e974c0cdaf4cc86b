// The zoo's own model files, by name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace zoo::models {

/// Where the zoo's model files are: the variable ZOO_CONFIGS; else of `../share/backbone_zoo/configs` beside the
/// running program's folder (an installation), `./configs`, and the source tree around a program in its build folder
/// the first that is there. Nothing if none is. Throws ConfigError where ZOO_CONFIGS names no folder.
std::optional<std::filesystem::path> zoo_folder();

/// The model files (.yaml, .yml) in a folder and its subfolders, in alphabetical order. Throws IoError.
std::vector<std::filesystem::path> model_files_in(const std::filesystem::path& folder);

/// How the zoo calls a model file in its folder: "timm/mobilenetv4_conv_small".
std::string zoo_name(const std::filesystem::path& file, const std::filesystem::path& folder);

/// The file that a user means: `name` itself where it is a file, else the zoo's model of that name, with or without its
/// folder ("timm/mobilenetv4_conv_small", "mobilenetv4_conv_small") and extension. A path (with extension, or of a
/// folder) that is neither comes back as it is; whoever reads it says what is wrong with it. Throws ConfigError for a
/// name that the zoo does not have, or has in several folders.
std::filesystem::path find_model_file(const std::filesystem::path& name);

}  // namespace zoo::models
