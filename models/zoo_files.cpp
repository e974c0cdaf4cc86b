#include "models/zoo_files.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/config_node.h"
#include "nn/core/error.h"
#include "nn/core/walk_folder.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;

bool is_model_file(const fs::path& file) {
  const fs::path extension = file.extension();
  return extension == ".yaml" || extension == ".yml";
}

[[noreturn]] void fail_unknown(const std::string& name, const fs::path& folder, const std::vector<std::string>& known) {
  std::string nearest = nearest_name(name, known);
  if (nearest.empty()) {
    // "timm/" is half of a short name.
    std::vector<std::string> stems;
    for (const std::string& entry : known) stems.push_back(fs::path(entry).filename().string());
    const std::string stem = nearest_name(fs::path(name).filename().string(), stems);
    if (!stem.empty()) nearest = known[static_cast<size_t>(std::ranges::find(stems, stem) - stems.begin())];
  }
  throw ConfigError(
      {fmt::format("{}: no such file, and no model of the zoo in {}{}; `backbone-zoo list` shows them all", name,
                   folder.string(), nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest))});
}

}  // namespace

std::optional<fs::path> zoo_folder() {
  std::error_code error;
  if (const char* folder = std::getenv("ZOO_CONFIGS"); folder != nullptr && *folder != '\0') {
    if (!fs::is_directory(folder, error)) throw ConfigError({fmt::format("ZOO_CONFIGS: {} is no folder", folder)});
    return folder;
  }
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::array<fs::path, 4> candidates = {program / "../share/backbone_zoo/configs", "configs",
                                              program / "../../../configs", program / "../../configs"};
  for (const fs::path& candidate : candidates) {
    if (fs::is_directory(candidate, error)) return candidate.lexically_normal();
  }
  return std::nullopt;
}

std::vector<fs::path> model_files_in(const fs::path& folder) {
  FolderWalk walk = walk_folder(folder, WalkDepth::kSubfolders);
  if (!walk.problems.empty()) throw IoError(walk.problems.front());
  std::erase_if(walk.files, [](const fs::path& file) { return !is_model_file(file); });
  return std::move(walk.files);
}

std::string zoo_name(const fs::path& file, const fs::path& folder) {
  return file.lexically_relative(folder).replace_extension().generic_string();
}

fs::path find_model_file(const fs::path& name) {
  std::error_code error;
  const bool is_folder = fs::is_directory(name, error);
  if (name.empty() || name.is_absolute() || (!is_folder && fs::exists(name, error))) return name;
  const std::optional<fs::path> folder = zoo_folder();
  if (!folder) {
    if (is_model_file(name) || is_folder) return name;
    throw ConfigError({fmt::format(
        "{}: no such file, and the zoo's model files were not found; set ZOO_CONFIGS to their folder", name.string())});
  }
  const std::string wanted =
      is_model_file(name) ? fs::path(name).replace_extension().generic_string() : name.generic_string();
  std::vector<std::string> known;
  std::vector<std::string> meant;
  for (const fs::path& file : model_files_in(*folder)) {
    known.push_back(zoo_name(file, *folder));
    if (known.back() == wanted) return file;
    if (known.back().ends_with("/" + wanted)) meant.push_back(known.back());
  }
  if (meant.size() == 1) {
    const fs::path file = *folder / meant.front();
    return fs::exists(file.string() + ".yaml", error) ? file.string() + ".yaml" : file.string() + ".yml";
  }
  if (meant.size() > 1) {
    throw ConfigError(
        {fmt::format("{}: several models of the zoo have this name: {}", name.string(), fmt::join(meant, ", "))});
  }
  if (is_model_file(name) || is_folder) return name;
  fail_unknown(name.string(), *folder, known);
}

}  // namespace zoo::models
