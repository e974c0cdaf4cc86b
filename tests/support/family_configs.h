// One model file for every registered family of backbones, so that a new family is tested without being added to lists.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backbones/registry.h"
#include "models/model_config.h"
#include "nn/core/task.h"
#include "nn/graph/graph.h"

namespace zoo::test {

/// Family -> the smallest classifier of configs/ with such a backbone and one level per stride, as a path below
/// configs/. Throws std::runtime_error for a registered family without one.
inline const std::map<std::string, std::string>& smallest_classifiers() {
  static const std::map<std::string, std::string> files = [] {
    const std::filesystem::path root = std::filesystem::path(ZOO_SOURCE_DIR) / "configs";
    std::map<std::string, std::pair<int64_t, std::string>> smallest;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".yaml") continue;
      const models::ModelConfig config = models::load_model_config(entry.path());
      const auto& levels = config.backbone.features;
      const auto same_stride = [](const auto& a, const auto& b) { return a.stride == b.stride; };
      if (config.task != Task::kClassification || std::ranges::adjacent_find(levels, same_stride) != levels.end())
        continue;
      const std::pair found(graph::parameter_count(models::build_graph(config)),
                            std::filesystem::relative(entry.path(), root).string());
      const auto [known, is_new] = smallest.try_emplace(config.backbone_name, found);
      if (!is_new) known->second = std::min(known->second, found);
    }
    std::map<std::string, std::string> chosen;
    for (const std::string& family : backbones::BackboneRegistry::global().names()) {
      const auto found = smallest.find(family);
      if (found == smallest.end()) throw std::runtime_error(family + ": no classifier in configs/ has this backbone");
      chosen[family] = found->second.second;
    }
    return chosen;
  }();
  return files;
}

/// The files and, for every family that none of them has, its smallest classifier.
inline std::vector<std::string> with_every_family(std::vector<std::string> files) {
  std::vector<std::string> families;
  for (const std::string& file : files) {
    const auto path = std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / file;
    families.push_back(models::load_model_config(path).backbone_name);
  }
  for (const auto& [family, file] : smallest_classifiers()) {
    if (std::ranges::find(families, family) == families.end()) files.push_back(file);
  }
  return files;
}

}  // namespace zoo::test
