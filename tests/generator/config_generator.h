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

struct GeneratedConfig {
  uint32_t seed = 0;
  std::string form;  ///< e.g. "mobilenetv3 bottleneck_cfg"
  YamlValue tree;    ///< with lines
  std::string text;  ///< the tree, written
  int64_t num_classes = 0;
  Shape input;  ///< one that every level of the network survives
  std::vector<ExpectedLevel> levels;
  bool rounds_down = false;  ///< antialias: average drops incomplete windows, so that a level may be smaller
};

GeneratedConfig generate_config(uint32_t seed);

}  // namespace zoo::test
