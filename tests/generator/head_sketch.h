// Necks and heads of every task: their nodes of the model file and the outputs that follow from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/generator/backbone_sketch.h"
#include "tests/generator/config_generator.h"
#include "tests/generator/random_source.h"
#include "tests/generator/yaml_value.h"

namespace zoo::test {

struct NeckSketch {
  YamlValue node;
  std::vector<ExpectedLevel> levels;
};

struct HeadSketch {
  std::string name;
  YamlValue params = YamlValue::map();
  std::vector<ExpectedOutput> outputs;
};

/// A pyramid on these levels; none where it would be too wide to run thousands of times.
std::optional<NeckSketch> sketch_neck(const std::vector<ExpectedLevel>& levels, Random& random);

/// `levels`: what the head reads.
HeadSketch sketch_classification_head(const BackboneSketch& backbone, int64_t classes, Random& random);
HeadSketch sketch_detection_head(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random);
HeadSketch sketch_segmentation_head(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random);

/// `model.postprocessor` of a detection.
YamlValue sketch_postprocessor(Random& random);

/// The strides that the levels have, ascending, each once.
std::vector<int64_t> strides_of(const std::vector<ExpectedLevel>& levels);

/// Products of one 3x3 convolution that keeps the level's width, on the largest input.
int64_t cost_of_convolution(const ExpectedLevel& level);

}  // namespace zoo::test
