// Heads of a segmentation.
#include <algorithm>
#include <utility>

#include "tests/generator/head_sketch.h"

namespace zoo::test {
namespace {

// From this stride on maps are so small that torchvision's widths cost next to nothing.
constexpr int64_t kStrideOfWideHeads = 16;

HeadSketch head_with_logits(const char* name, int64_t classes, int64_t stride) {
  HeadSketch sketch;
  sketch.name = name;
  sketch.outputs.push_back({.name = "logits", .channels = classes, .stride = stride});
  return sketch;
}

// The level that a head reads at this stride, under the name that torchvision gives it.
void add_level(HeadSketch& sketch, const char* name, const std::vector<ExpectedLevel>& levels, int64_t stride) {
  const auto deepest =
      std::find_if(levels.rbegin(), levels.rend(), [&](const ExpectedLevel& level) { return level.stride == stride; });
  sketch.outputs.push_back({.name = name, .channels = deepest->channels, .stride = stride});
}

void add_activation_and_eps(YamlValue& params, Random& random) {
  if (random.one_in(2)) params.add(act_type_key(random), some_activation(random));
  if (random.one_in(2)) params.add("norm_eps", random.word({"1e-5", "0.001", "0.03"}));
}

HeadSketch sketch_all_mlp_decoder(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  HeadSketch sketch = head_with_logits("all_mlp_decoder", classes, levels.front().stride);
  sketch.params.add("intermediate_channels", some_channels(random));
  if (random.one_in(3)) sketch.params.add("classifier_dropout_prob", YamlValue::any(random.word({"0.", "0.1", "~"})));
  return sketch;
}

HeadSketch sketch_lraspp(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  constexpr int64_t kUsualLow = 8;
  HeadSketch sketch = head_with_logits("lraspp", classes, 1);
  YamlValue& params = sketch.params;
  const std::vector<int64_t> strides = strides_of(levels);
  const auto last = static_cast<int64_t>(strides.size()) - 1;
  const int64_t finer = random.between(0, last - 1);
  const int64_t coarser = random.one_in(2) ? last : random.between(finer + 1, last);
  const int64_t low = strides[static_cast<size_t>(finer)];
  add_level(sketch, "feature.low", levels, low);
  add_level(sketch, "feature.high", levels, strides[static_cast<size_t>(coarser)]);
  if (low != kUsualLow || random.one_in(2)) params.add("low_stride", low);
  if (coarser != last || random.one_in(2)) params.add("high_stride", strides[static_cast<size_t>(coarser)]);
  if (!random.one_in(6)) params.add("inter_channels", some_channels(random));
  add_activation_and_eps(params, random);
  return sketch;
}

HeadSketch sketch_deeplabv3(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  HeadSketch sketch = head_with_logits("deeplabv3", classes, 1);
  YamlValue& params = sketch.params;
  const std::vector<int64_t> strides = strides_of(levels);
  const int64_t stride = random.one_in(2) ? strides.back() : strides[random.below(strides.size())];
  add_level(sketch, "feature.out", levels, stride);
  if (stride != strides.back() || random.one_in(2)) params.add("in_stride", stride);
  if (!random.one_in(4)) {
    YamlValue rates = YamlValue::list();
    for (int64_t i = random.between(0, 3); i > 0; --i)
      rates.items.emplace_back(random.pick<int64_t>({1, 2, 3, 12, 40}));
    params.add("atrous_rates", std::move(rates));
  }
  if (stride < kStrideOfWideHeads || !random.one_in(8)) params.add("channels", some_channels(random));
  if (random.one_in(3)) params.add("dropout_prob", YamlValue::any(random.word({"0.5", "~"})));
  add_activation_and_eps(params, random);
  return sketch;
}

}  // namespace

HeadSketch sketch_segmentation_head(const std::vector<ExpectedLevel>& levels, int64_t classes, Random& random) {
  const bool has_two_strides = strides_of(levels).size() > 1;
  switch (random.below(3)) {
    case 0:
      return sketch_all_mlp_decoder(levels, classes, random);
    case 1:
      if (has_two_strides) return sketch_lraspp(levels, classes, random);
      [[fallthrough]];
    default:
      return sketch_deeplabv3(levels, classes, random);
  }
}

}  // namespace zoo::test
