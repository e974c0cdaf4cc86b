// Valid model files out of random choices, for every family and every form that docs/configuration.md describes. The
// rules here are those of the documentation, written down a second time: nothing is shared with the decoders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/core/shape.h"
#include "tests/generator/yaml_value.h"

namespace zoo::test {

/// A feature level that the file promises.
struct ExpectedLevel {
  int64_t channels = 0;
  int64_t stride = 1;
};

/// A graph's output that the file promises.
struct ExpectedOutput {
  std::string name;
  int64_t channels = 0;
  int64_t stride = 1;  ///< 0: scores of whole pictures, not a map
};

struct GeneratedConfig {
  uint32_t seed = 0;
  std::string task;
  std::string form;  ///< of the backbone, e.g. "mobilenetv3 bottleneck_cfg"
  std::string neck;  ///< empty: none
  std::string head;
  YamlValue tree;    ///< with lines
  std::string text;  ///< the tree, written
  int64_t num_classes = 0;
  Shape input;                        ///< one that every level of the network survives
  std::vector<ExpectedLevel> levels;  ///< of the backbone
  std::vector<ExpectedOutput> outputs;
  bool rounds_down = false;  ///< antialias: average drops incomplete windows, so that a level may be smaller
};

struct InputSize {
  int64_t h;
  int64_t w;
};
inline constexpr InputSize kLargestInput = {48, 64};

GeneratedConfig generate_config(uint32_t seed);

}  // namespace zoo::test
