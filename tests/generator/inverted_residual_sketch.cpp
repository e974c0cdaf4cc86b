// MobileNetV1, V2 and V3: lists per stage, and lucid's rows.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/generator/backbone_sketch.h"

namespace zoo::test {
namespace {

constexpr int64_t kStemStride = 2;
constexpr int64_t kStrideLimit = 64;

// One stage of the column form: lists of one length, in any order.
class Columns {
 public:
  void add(const std::string& name, YamlValue value) {
    YamlValue* column = stage_.find(name);
    if (column == nullptr) {
      stage_.add(name, YamlValue::list());
      column = stage_.find(name);
    }
    column->items.push_back(std::move(value));
  }
  // Optional lists that are left out may be null as well.
  void add_null(const std::string& name, Random& random) { stage_.add(name, some_null(random)); }

  YamlValue take(Random& random) {
    random.shuffle(stage_.entries);
    return std::move(stage_);
  }

 private:
  YamlValue stage_ = YamlValue::map();
};

// Which optional lists a stage has.
struct OptionalLists {
  explicit OptionalLists(Random& random)
      : kernel_sizes(random.one_in(2)),
        activations(random.one_in(2)),
        dilation(random.one_in(3)),
        use_skip(random.one_in(3)),
        se_reduction(random.one_in(3)),
        act_key(act_type_key(random)) {}

  bool kernel_sizes;
  bool activations;
  bool dilation;
  bool use_skip;
  bool se_reduction;
  std::string act_key;
};

void add_dilation(Columns& columns, const OptionalLists& lists, int64_t stride, Random& random) {
  if (!lists.dilation) return;
  columns.add("dilation", stride > 1 ? int64_t{1} : random.pick<int64_t>({1, 1, 2, 3}));
}

// At least what the block reads; equal: no expand convolution.
int64_t add_expansion(NetworkSketch& network, Random& random) {
  if (random.one_in(4)) return network.channels();
  const int64_t channels = network.channels() + random.between(1, 24);
  network.add_expansion(channels);
  return channels;
}

// Half of the blocks can have a skip.
int64_t some_out_channels(const NetworkSketch& network, Random& random) {
  return random.one_in(2) ? network.channels() : some_channels(random);
}

enum class Lists { kV1, kV2, kV3 };

YamlValue some_stage(Lists kind, NetworkSketch& network, double width, Random& random) {
  const OptionalLists lists(random);
  Columns columns;
  const size_t blocks = 1 + random.below(3);
  for (size_t i = 0; i < blocks; ++i) {
    const int64_t stride = network.next_stride(random);
    columns.add("stride", stride);
    add_dilation(columns, lists, stride, random);
    if (kind == Lists::kV1) {
      const int64_t out_channels = random.pick<int64_t>({4, 5, 8, 11, 16});
      columns.add("out_channels", out_channels);
      if (lists.kernel_sizes) columns.add("kernel_sizes", some_kernel(random));
      if (lists.activations) columns.add(lists.act_key, some_activation(random));
      network.add(static_cast<int64_t>(width * static_cast<double>(out_channels)), stride);
      continue;
    }
    const int64_t out_channels = some_out_channels(network, random);
    columns.add("in_channels", network.channels());
    columns.add("expanded_channels", add_expansion(network, random));
    columns.add("out_channels", out_channels);
    columns.add("kernel_sizes", some_kernel(random));
    if (kind == Lists::kV3) columns.add("use_se", some_bool(random, random.one_in(2)));
    if (kind == Lists::kV3 || lists.activations) columns.add(lists.act_key, some_activation(random));
    if (lists.use_skip) columns.add("use_skip", some_bool(random, random.one_in(2)));
    if (kind == Lists::kV3 && lists.se_reduction) columns.add("se_reduction", random.between(1, 6));
    network.add(out_channels, stride);
  }
  if (!lists.dilation && random.one_in(8)) columns.add_null("dilation", random);
  network.end_stage();
  return columns.take(random);
}

YamlValue some_stages(Lists kind, NetworkSketch& network, double width, Random& random) {
  YamlValue stages = YamlValue::list();
  const size_t count = 1 + random.below(3);
  for (size_t i = 0; i < count; ++i) stages.items.push_back(some_stage(kind, network, width, random));
  return stages;
}

// `last_conv_channels` or its default; 0 and null mean the default, too, where that is not a number.
int64_t add_last_conv(YamlValue& params, int64_t when_zero, int64_t when_absent, Random& random) {
  if (random.one_in(4)) return when_absent;
  if (random.one_in(4)) {
    params.add("last_conv_channels", int64_t{0});
    return when_zero;
  }
  if (random.one_in(8)) {
    params.add("last_conv_channels", some_null(random));
    return when_absent;
  }
  const int64_t channels = some_channels(random);
  params.add("last_conv_channels", channels);
  return channels;
}

void finish(BackboneSketch& sketch, NetworkSketch& network, int64_t last_conv_channels, YamlValue& params,
            Random& random) {
  if (last_conv_channels > 0) network.add_last_conv(last_conv_channels);
  sketch.levels = add_feature_levels(params, network, random);
}

void add_v3_params(YamlValue& params, Random& random) {
  if (random.one_in(3)) params.add("stem_act_type", some_activation(random));
  if (random.one_in(3)) params.add("last_conv_act_type", some_activation(random));
  if (random.one_in(8)) params.add("last_conv_layers", random.between(1, 3));
  if (random.one_in(3)) params.add("se_reduction", random.between(1, 8));
  if (random.one_in(3)) params.add("se_divisor", random.pick<int64_t>({1, 2, 8}));
  if (random.one_in(3)) params.add("se_act_type", random.one_in(3) ? YamlValue("same") : some_activation(random));
}

// `stem_channels`, or what stands for it.
int64_t add_stem(YamlValue& params, int64_t when_absent, Random& random) {
  if (random.one_in(2)) return when_absent;
  const int64_t channels = some_channels(random);
  params.add("stem_channels", channels);
  return channels;
}

BackboneSketch sketch_mobilenetv1(LevelsRead /*read*/, Random& random) {
  BackboneSketch sketch;
  sketch.form = "mobilenetv1 stage_params";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  double width = 1.0;
  if (random.one_in(2)) {
    const std::string text = random.word({"0.25", "0.5", "0.75", "1", "1.5"});
    width = std::stod(text);
    params.add("width_multiplier", text);
  }
  if (random.one_in(3)) params.add(act_type_key(random), some_activation(random));
  if (random.one_in(3)) params.add("stem_bias", some_bool(random, random.one_in(2)));
  const int64_t stem = random.one_in(8) ? 32 : random.between(4, 16);
  if (stem != 32) params.add("stem_channels", stem);
  NetworkSketch network(stride_limit(params, kStrideLimit));
  network.add(static_cast<int64_t>(width * static_cast<double>(stem)), kStemStride);
  YamlValue stages = some_stages(Lists::kV1, network, width, random);
  finish(sketch, network, add_last_conv(params, 0, 0, random), params, random);
  sketch.node.add("name", "mobilenetv1");
  add_params(sketch.node, std::move(params), random);
  sketch.node.add("stage_params", std::move(stages));
  return sketch;
}

BackboneSketch sketch_mobilenetv2(LevelsRead /*read*/, Random& random) {
  BackboneSketch sketch;
  sketch.form = "mobilenetv2 stage_params";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  if (random.one_in(3)) params.add(act_type_key(random), some_activation(random));
  NetworkSketch network(stride_limit(params, kStrideLimit));
  network.add(add_stem(params, some_channels(random), random), kStemStride);
  YamlValue stages = some_stages(Lists::kV2, network, 1.0, random);
  finish(sketch, network, add_last_conv(params, 0, 1280, random), params, random);
  sketch.node.add("name", "mobilenetv2");
  add_params(sketch.node, std::move(params), random);
  sketch.node.add("stage_params", std::move(stages));
  return sketch;
}

BackboneSketch sketch_mobilenetv3(LevelsRead /*read*/, Random& random) {
  BackboneSketch sketch;
  sketch.form = "mobilenetv3 stage_params";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  add_v3_params(params, random);
  NetworkSketch network(stride_limit(params, kStrideLimit));
  network.add(add_stem(params, some_channels(random), random), kStemStride);
  YamlValue stages = some_stages(Lists::kV3, network, 1.0, random);
  const int64_t six_times = 6 * network.channels();
  finish(sketch, network, add_last_conv(params, six_times, six_times, random), params, random);
  sketch.node.add("name", "mobilenetv3");
  add_params(sketch.node, std::move(params), random);
  sketch.node.add("stage_params", std::move(stages));
  return sketch;
}

BackboneSketch sketch_mobilenetv3_rows(LevelsRead /*read*/, Random& random) {
  constexpr int64_t kLucidStem = 16;
  BackboneSketch sketch;
  sketch.form = "mobilenetv3 bottleneck_cfg";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  add_v3_params(params, random);
  if (random.one_in(2)) {
    sketch.head_channels = some_channels(random);
    params.add("last_channels", sketch.head_channels);
  }
  NetworkSketch network(stride_limit(params, kStrideLimit));
  network.add(add_stem(params, kLucidStem, random), kStemStride);
  const auto flag = [&](bool value) {
    return random.one_in(2) ? some_bool(random, value) : YamlValue(static_cast<int64_t>(value));
  };
  YamlValue rows = YamlValue::list();
  const size_t count = 1 + random.below(5);
  int64_t mid = 0;
  for (size_t i = 0; i < count; ++i) {
    const int64_t stride = network.next_stride(random);
    if (i > 0 && stride > 1) network.end_stage();
    mid = add_expansion(network, random);
    const int64_t out_channels = some_out_channels(network, random);
    YamlValue row = YamlValue::list(
        {some_kernel(random), mid, out_channels, flag(random.one_in(2)), flag(random.one_in(2)), stride});
    if (random.one_in(3)) row.items.emplace_back(random.between(1, 8));
    network.add(out_channels, stride);
    rows.items.push_back(std::move(row));
  }
  network.end_stage();
  finish(sketch, network, add_last_conv(params, mid, mid, random), params, random);
  sketch.node.add("name", "mobilenetv3");
  if (random.one_in(3)) {
    params.add("bottleneck_cfg", std::move(rows));
  } else {
    sketch.node.add("bottleneck_cfg", std::move(rows));
  }
  add_params(sketch.node, std::move(params), random);
  return sketch;
}

const BackboneForm kV1("mobilenetv1 stage_params", sketch_mobilenetv1);
const BackboneForm kV2("mobilenetv2 stage_params", sketch_mobilenetv2);
const BackboneForm kV3("mobilenetv3 stage_params", sketch_mobilenetv3);
const BackboneForm kV3Rows("mobilenetv3 bottleneck_cfg", sketch_mobilenetv3_rows);

}  // namespace
}  // namespace zoo::test
