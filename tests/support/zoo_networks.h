// Every network of configs/ with weights that keep its values in float's range.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "models/model_config.h"
#include "nn/graph/passes.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"

namespace zoo::test {

/// Paths below configs/, sorted.
inline std::vector<std::string> config_files() {
  const std::filesystem::path root = std::filesystem::path(ZOO_SOURCE_DIR) / "configs";
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".yaml") files.push_back(std::filesystem::relative(entry.path(), root).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The gain with which a network neither fades nor grows until float32 rounding is all that is left: that of its
/// reference record. Without a record there are lucid's networks, of which the deep ones have no skips.
inline double gain_of(const std::string& file) {
  constexpr double kWithoutRecord = 2.5;
  static const std::vector<ReferenceRecord> records = reference_records();
  const auto record = std::find_if(records.begin(), records.end(),
                                   [&](const ReferenceRecord& candidate) { return candidate.id + ".yaml" == file; });
  return record == records.end() ? kWithoutRecord : record->gain;
}

/// The network of a model file with formula weights.
inline graph::BoundGraph formula_network(const std::string& file, const std::string& seed) {
  graph::BoundGraph network;
  network.graph =
      models::build_graph(models::load_model_config(std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / file));
  network.values = weights::formula_values(network.graph.parameters, {seed, gain_of(file)});
  return network;
}

}  // namespace zoo::test
