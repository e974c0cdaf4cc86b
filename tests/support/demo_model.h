// The demo classifier where a test may change it.
#pragma once

#include <filesystem>

namespace zoo::test {

/// Copies the model file, its weights and its labels into `folder`; yields the model file's path.
inline std::filesystem::path copy_demo_classifier(const std::filesystem::path& folder) {
  const std::filesystem::path demo = std::filesystem::path(ZOO_SOURCE_DIR) / "configs/demo";
  for (const char* const name : {"emoji.yaml", "emoji.safetensors", "emoji_labels.txt"}) {
    std::filesystem::copy(demo / name, folder / name);
  }
  return folder / "emoji.yaml";
}

}  // namespace zoo::test
