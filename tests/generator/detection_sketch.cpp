// Heads of a detection, and what becomes of their outputs.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tests/generator/head_sketch.h"

namespace zoo::test {
namespace {

constexpr int64_t kBoxOffsets = 4;

YamlValue some_sizes(size_t count, Random& random) {
  YamlValue sizes = YamlValue::list();
  for (size_t i = 0; i < count; ++i) sizes.items.emplace_back(random.word({"5", "10", "16.5", "32.", "6.4e1"}));
  return sizes;
}

YamlValue some_ratios(size_t count, Random& random) {
  YamlValue ratios = YamlValue::list();
  for (size_t i = 0; i < count; ++i) ratios.items.emplace_back(random.word({"0.5", "1", "2", "1.0", ".25", "3"}));
  return ratios;
}

void add_maps(HeadSketch& sketch, size_t index, int64_t stride, int64_t anchors, int64_t classes) {
  sketch.outputs.push_back({fmt::format("cls_logits.{}", index), anchors * classes, stride});
  sketch.outputs.push_back({fmt::format("bbox_regression.{}", index), anchors * kBoxOffsets, stride});
}

bool equally_wide(const std::vector<ExpectedLevel>& levels) {
  return std::all_of(levels.begin(), levels.end(),
                     [&](const ExpectedLevel& level) { return level.channels == levels.front().channels; });
}

HeadSketch sketch_anchor_decoupled_head(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  constexpr int64_t kDearestLayer = 2'000'000;
  HeadSketch sketch;
  sketch.name = "anchor_decoupled_head";
  const auto sizes = static_cast<size_t>(random.between(1, 2));
  const auto ratios = static_cast<size_t>(random.between(1, 3));
  YamlValue sizes_of_levels = YamlValue::list();
  for (size_t i = 0; i < levels.size(); ++i) {
    YamlValue of_level = some_sizes(sizes, random);
    const bool alone = sizes == 1 && random.one_in(4);
    sizes_of_levels.items.push_back(alone ? YamlValue(of_level.items.front()) : std::move(of_level));
    add_maps(sketch, i, levels[i].stride, static_cast<int64_t>(sizes * ratios), classes);
  }
  YamlValue& params = sketch.params;
  params.add("anchor_sizes", std::move(sizes_of_levels));
  params.add("aspect_ratios", some_ratios(ratios, random));
  params.add("num_layers", cost_of_convolution(levels.front()) > kDearestLayer ? 0 : random.between(0, 2));
  const bool maps_are_large = levels.back().stride <= kStrideOfInstanceNorm;
  if (random.one_in(2)) {
    params.add("norm_type", maps_are_large && random.one_in(2) ? "instance_norm" : "batch_norm");
  }
  return sketch;
}

// Some of the strides; the key may be left out where they are those of the documentation.
std::vector<int64_t> add_in_strides(YamlValue& params, const std::vector<ExpectedLevel>& levels, Random& random) {
  const std::vector<int64_t> usual = {16, 32};
  const std::vector<int64_t> strides = strides_of(levels);
  if (std::includes(strides.begin(), strides.end(), usual.begin(), usual.end()) && !random.one_in(3)) return usual;
  const size_t always = random.below(strides.size());
  std::vector<int64_t> read;
  YamlValue list = YamlValue::list();
  for (size_t i = 0; i < strides.size(); ++i) {
    if (i != always && random.one_in(2)) continue;
    read.push_back(strides[i]);
    list.items.emplace_back(strides[i]);
  }
  params.add("in_strides", std::move(list));
  return read;
}

std::vector<int64_t> add_extra_channels(YamlValue& params, Random& random) {
  if (random.one_in(6)) return {512, 256, 256, 128};
  std::vector<int64_t> widths;
  YamlValue list = YamlValue::list();
  for (int64_t i = random.between(0, 3); i > 0; --i) {
    widths.push_back(random.between(2, 24));
    list.items.emplace_back(widths.back());
  }
  params.add("extra_channels", std::move(list));
  return widths;
}

// Adds `aspect_ratios` (or leaves it out) and yields the boxes per position of every level.
std::vector<int64_t> add_aspect_ratios(YamlValue& params, size_t levels, Random& random) {
  const auto boxes = [](size_t ratios) { return 2 + 2 * static_cast<int64_t>(ratios); };
  if (random.one_in(3)) return std::vector<int64_t>(levels, boxes(2));
  if (random.one_in(2)) {
    const size_t count = random.below(4);
    params.add("aspect_ratios", some_ratios(count, random));
    return std::vector<int64_t>(levels, boxes(count));
  }
  std::vector<int64_t> per_position;
  YamlValue lists = YamlValue::list();
  for (size_t i = 0; i < levels; ++i) {
    const size_t count = random.below(3);
    per_position.push_back(boxes(count));
    lists.items.push_back(some_ratios(count, random));
  }
  params.add("aspect_ratios", std::move(lists));
  return per_position;
}

YamlValue some_numbers(size_t count, Random& random) {
  YamlValue numbers = YamlValue::list();
  for (size_t i = 0; i < count; ++i) numbers.items.emplace_back(random.word({"0.1", "0.35", "1", ".8", "1.2"}));
  return numbers;
}

void add_box_sizes(YamlValue& params, size_t levels, Random& random) {
  if (random.one_in(3)) {
    params.add("scales", some_numbers(levels + 1, random));
  } else {
    if (random.one_in(2)) params.add("min_ratio", random.word({"0.1", "0.2", ".15"}));
    if (random.one_in(2)) params.add("max_ratio", random.word({"0.6", "0.95", "1"}));
  }
  if (random.one_in(3)) {
    params.add("steps", random.one_in(4) ? some_null(random) : some_sizes(levels, random));
  }
  if (random.one_in(2)) params.add("clip", some_bool(random, random.one_in(2)));
}

HeadSketch sketch_ssdlite(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  HeadSketch sketch;
  sketch.name = "ssdlite";
  YamlValue& params = sketch.params;
  std::vector<int64_t> strides = add_in_strides(params, levels, random);
  const std::vector<int64_t> extra = add_extra_channels(params, random);
  for (size_t i = 0; i < extra.size(); ++i) {
    strides.push_back(2 * strides.back());
    sketch.outputs.push_back({fmt::format("extra.{}", i), extra[i], strides.back()});
  }
  const std::vector<int64_t> boxes = add_aspect_ratios(params, strides.size(), random);
  for (size_t i = 0; i < strides.size(); ++i) add_maps(sketch, i, strides[i], boxes[i], classes);
  add_box_sizes(params, strides.size(), random);
  if (random.one_in(2)) params.add(act_type_key(random), some_activation(random));
  if (random.one_in(2)) params.add("norm_eps", random.word({"1e-5", "0.001", "0.03"}));
  return sketch;
}

}  // namespace

HeadSketch sketch_detection_head(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  return equally_wide(levels) && !random.one_in(4) ? sketch_anchor_decoupled_head(levels, classes, random)
                                                   : sketch_ssdlite(levels, classes, random);
}

YamlValue sketch_postprocessor(Random& random) {
  if (random.one_in(6)) return some_null(random);
  YamlValue params = YamlValue::map();
  if (random.one_in(2)) params.add("topk_candidates", random.pick<int64_t>({1, 20, 1000}));
  if (random.one_in(2)) params.add("score_thresh", random.word({"0", "0.01", "0.5", "1"}));
  if (random.one_in(2)) params.add("nms_thresh", random.word({"0.", "0.3", "0.6", "1"}));
  if (random.one_in(2)) params.add("class_agnostic", some_bool(random, random.one_in(2)));
  if (random.one_in(2)) {
    params.add("max_detections",
               random.one_in(4) ? some_null(random) : YamlValue(random.pick<int64_t>({0, 1, 7, 100})));
  }
  YamlValue postprocessor = YamlValue::map();
  add_params(postprocessor, std::move(params), random);
  return postprocessor;
}

}  // namespace zoo::test
