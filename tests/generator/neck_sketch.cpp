// Feature pyramids, and what heads ask of the levels they read.
#include <utility>

#include "tests/generator/head_sketch.h"

namespace zoo::test {
namespace {

// Keeps the reference engine at milliseconds per file.
constexpr int64_t kDearestNeck = 4'000'000;

int64_t cost_of_neck(const std::vector<ExpectedLevel>& levels) {
  int64_t cost = 0;
  for (const ExpectedLevel& level : levels) cost += cost_of_convolution({levels.back().channels, level.stride});
  return cost;
}

YamlValue some_extra_convs(Random& random) {
  if (random.one_in(2)) return some_bool(random, random.one_in(2));
  return random.word({"on_input", "on_lateral", "on_output"});
}

// Adds `end_level` or leaves it at the last one.
void add_end(YamlValue& params, int64_t end, int64_t last, Random& random) {
  if (end < last || random.one_in(3)) {
    params.add("end_level", end);
  } else if (random.one_in(2)) {
    params.add("end_level", int64_t{-1});
  }
}

}  // namespace

std::vector<int64_t> strides_of(const std::vector<ExpectedLevel>& levels) {
  std::vector<int64_t> strides;
  for (const ExpectedLevel& level : levels) {
    if (strides.empty() || strides.back() != level.stride) strides.push_back(level.stride);
  }
  return strides;
}

int64_t cost_of_convolution(const ExpectedLevel& level) {
  const auto rows = [&](int64_t pixels) { return (pixels + level.stride - 1) / level.stride; };
  return 9 * level.channels * level.channels * rows(kLargestInput.h) * rows(kLargestInput.w);
}

std::optional<NeckSketch> sketch_neck(const std::vector<ExpectedLevel>& levels, Random& random) {
  if (cost_of_neck(levels) > kDearestNeck) return std::nullopt;
  const auto last = static_cast<int64_t>(levels.size()) - 1;
  const int64_t start = random.between(0, last);
  const int64_t end = random.one_in(2) ? last : random.between(start, last);
  const int64_t extra = end == last ? random.between(0, 2) : 0;

  YamlValue params = YamlValue::map();
  params.add("num_outs", end - start + 1 + extra);
  if (start > 0 || random.one_in(2)) params.add("start_level", start);
  add_end(params, end, last, random);
  if (random.one_in(2)) params.add("add_extra_convs", some_extra_convs(random));
  if (random.one_in(2)) params.add("relu_before_extra_convs", some_bool(random, random.one_in(2)));
  random.shuffle(params.entries);

  NeckSketch sketch;
  sketch.node = YamlValue::map();
  sketch.node.add("name", "fpn");
  sketch.node.add("params", std::move(params));
  random.shuffle(sketch.node.entries);
  const int64_t channels = levels.back().channels;
  for (int64_t i = start; i <= end; ++i) {
    sketch.levels.push_back({channels, levels[static_cast<size_t>(i)].stride});
  }
  for (int64_t i = 0; i < extra; ++i) sketch.levels.push_back({channels, 2 * sketch.levels.back().stride});
  return sketch;
}

}  // namespace zoo::test
