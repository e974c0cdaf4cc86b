// MobileNetV4: the trainer's rows that begin with their type, and lucid's map of layers.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/generator/backbone_sketch.h"

namespace zoo::test {
namespace {

// Inputs are at least this large, so a map of stride s has at least kSmallestInput / s rows.
constexpr int64_t kSmallestInput = 32;
constexpr int64_t kStrideLimit = 32;

int64_t some_out_channels(const NetworkSketch& network, Random& random) {
  return random.one_in(2) ? network.channels() : some_channels(random);
}

// Averaging over windows needs at least one complete window.
int64_t some_query_stride(const NetworkSketch& network, Random& random) {
  const int64_t rows = kSmallestInput / network.stride();
  const int64_t stride = random.between(1, 4);
  return stride <= rows ? stride : 1;
}

// A kernel with its switch before it; without the convolution it may be null.
void add_optional_kernel(YamlValue& row, bool use, Random& random) {
  row.items.push_back(some_bool(random, use));
  row.items.push_back(use || random.one_in(2) ? YamlValue(some_kernel(random)) : some_null(random));
}

YamlValue conv_row(NetworkSketch& network, Random& random) {
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t stride = network.next_stride(random);
  network.add(out_channels, stride);
  return YamlValue::list({"conv", out_channels, some_kernel(random), stride});
}

YamlValue fused_row(NetworkSketch& network, Random& random) {
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t hidden = some_channels(random);
  const int64_t stride = network.next_stride(random);
  network.add_expansion(hidden, stride);
  network.add(out_channels, stride);
  return YamlValue::list({"fi", out_channels, hidden, random.pick<int64_t>({1, 3, 3, 5}), stride});
}

struct UniversalRules {
  bool stride_on_start;
  bool expands_always;
};

YamlValue universal_row(NetworkSketch& network, const UniversalRules& rules, Random& random) {
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t hidden = random.one_in(4) ? network.channels() : some_channels(random);
  const bool extra = random.one_in(2);
  const bool middle = !random.one_in(3);
  const int64_t stride = network.next_stride(random);
  YamlValue row = YamlValue::list({"uir", out_channels, hidden});
  add_optional_kernel(row, extra, random);
  add_optional_kernel(row, middle, random);
  row.items.emplace_back(stride);
  const int64_t start_stride = !middle && extra && rules.stride_on_start ? stride : 1;
  if (rules.expands_always || hidden != network.channels()) network.add_expansion(hidden, start_stride);
  network.add(out_channels, middle ? stride : start_stride);
  return row;
}

YamlValue attention_row(NetworkSketch& network, Random& random) {
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t heads = random.between(1, 3);
  const int64_t per_head = random.pick<int64_t>({1, 4, 5, 8, 16});
  YamlValue row = YamlValue::list({"mmqa", out_channels, heads * per_head, heads});
  row.items.push_back(random.one_in(2) ? some_null(random) : YamlValue(some_query_stride(network, random)));
  const bool downsample = random.one_in(2);
  add_optional_kernel(row, downsample, random);
  row.items.push_back(downsample || random.one_in(2) ? YamlValue(random.between(1, 3)) : some_null(random));
  row.items.emplace_back(int64_t{1});
  network.add(out_channels, 1);
  return row;
}

YamlValue some_row(NetworkSketch& network, const UniversalRules& rules, Random& random) {
  switch (random.below(6)) {
    case 0:
      return conv_row(network, random);
    case 1:
      return fused_row(network, random);
    case 2:
      return attention_row(network, random);
    default:
      return universal_row(network, rules, random);
  }
}

// Adds `return_stage_idx` and yields the levels that it names, in the order of the stages.
std::vector<ExpectedLevel> add_returned_stages(YamlValue& params, const std::vector<ExpectedLevel>& stages,
                                               LevelsRead read, Random& random) {
  YamlValue indices = YamlValue::list();
  std::vector<ExpectedLevel> returned;
  const size_t always = read == LevelsRead::kSeveral ? random.below(stages.size()) : stages.size();
  for (size_t i = 0; i < stages.size(); ++i) {
    if (i != always && random.one_in(3)) continue;
    indices.items.emplace_back(static_cast<int64_t>(i));
    returned.push_back(stages[i]);
  }
  random.shuffle(indices.items);
  params.add("return_stage_idx", returned.empty() ? some_null(random) : std::move(indices));
  return returned;
}

bool has_stages_as_levels(YamlValue& params) {
  const YamlValue* levels = params.find("feature_levels");
  return levels == nullptr || levels->text == "stages";
}

// Adds the key and yields whether it is the second of the two values.
bool add_second(YamlValue& params, const char* key, const char* first, const char* second, Random& random) {
  if (random.one_in(2)) return false;
  const bool is_second = random.one_in(2);
  params.add(key, is_second ? second : first);
  return is_second;
}

int64_t add_final_conv(YamlValue& params, const NetworkSketch& network, Random& random) {
  const int64_t channels = random.one_in(4) ? 0 : some_channels(random);
  params.add("final_conv_out_channel", channels == 0 && random.one_in(2) ? some_null(random) : YamlValue(channels));
  if (random.one_in(3)) params.add("final_conv_kernel_size", random.pick<int64_t>({1, 1, 3}));
  if (random.one_in(3)) params.add("final_conv_stride", network.next_stride(random));
  return channels;
}

int64_t stride_of_final_conv(YamlValue& params) {
  const YamlValue* stride = params.find("final_conv_stride");
  return stride == nullptr ? 1 : std::stoll(stride->text);
}

BackboneSketch sketch_mobilenetv4(LevelsRead read, Random& random) {
  BackboneSketch sketch;
  sketch.form = "mobilenetv4 stage_params";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  params.add(act_type_key(random), some_activation(random));
  const UniversalRules rules = {
      .stride_on_start = add_second(params, "uir_stride", "middle", "middle_or_start", random),
      .expands_always = add_second(params, "uir_expand", "where_needed", "always", random)};
  if (random.one_in(3)) params.add("fi_skip", some_bool(random, random.one_in(2)));
  if (random.one_in(2)) {
    params.add("layer_scale", random.one_in(3) ? some_null(random) : YamlValue(random.word({"1e-5", "0.1", "1"})));
  }
  if (random.one_in(2)) {
    const std::string antialias = random.word({"none", "average", "blur"});
    params.add("antialias", antialias);
    sketch.rounds_down = antialias == "average";
  }

  NetworkSketch network(stride_limit(params, kStrideLimit));
  const int64_t stem = some_channels(random);
  params.add("stem_out_channel", stem);
  if (random.one_in(3)) params.add("stem_kernel_size", random.pick<int64_t>({1, 3, 5}));
  int64_t stem_stride = 2;
  if (random.one_in(3)) {
    stem_stride = random.between(2, 4);
    params.add("stem_stride", stem_stride);
  }
  network.add(stem, stem_stride);

  YamlValue stages = YamlValue::list();
  const size_t stage_count = 1 + random.below(3);
  for (size_t i = 0; i < stage_count; ++i) {
    YamlValue stage = YamlValue::list();
    const size_t blocks = 1 + random.below(3);
    for (size_t k = 0; k < blocks; ++k) stage.items.push_back(some_row(network, rules, random));
    network.end_stage();
    stages.items.push_back(std::move(stage));
  }
  if (const int64_t channels = add_final_conv(params, network, random); channels > 0) {
    network.add_last_conv(channels, stride_of_final_conv(params));
  }
  sketch.levels = add_feature_levels(params, network, random);
  if (has_stages_as_levels(params) && (read == LevelsRead::kSeveral || random.one_in(2))) {
    sketch.returned = add_returned_stages(params, sketch.levels, read, random);
  }
  sketch.node.add("name", "mobilenetv4");
  add_params(sketch.node, std::move(params), random);
  sketch.node.add("stage_params", std::move(stages));
  return sketch;
}

YamlValue some_flag(Random& random, bool value) {
  return random.one_in(2) ? some_bool(random, value) : YamlValue(static_cast<int64_t>(value));
}

YamlValue layer(const char* block_name, std::vector<YamlValue> rows, Random& random) {
  YamlValue layer = YamlValue::map();
  layer.add("block_name", block_name);
  layer.add("num_blocks", static_cast<int64_t>(rows.size()));
  layer.add("block_specs", YamlValue::list(std::move(rows)));
  random.shuffle(layer.entries);
  return layer;
}

YamlValue convbn_row(NetworkSketch& network, Random& random) {
  const int64_t in_channels = network.channels();
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t stride = network.next_stride(random);
  network.add(out_channels, stride);
  return YamlValue::list({in_channels, out_channels, some_kernel(random), stride});
}

int64_t scaled(int64_t channels, const std::string& ratio) {
  return static_cast<int64_t>(static_cast<double>(channels) * std::stod(ratio));
}

// The nearest multiple of 8, at least one, and the next one if that is less than 90 %.
int64_t rounded_to_8(int64_t channels) {
  constexpr int64_t kDivisor = 8;
  const int64_t nearest = std::max(kDivisor, (channels + kDivisor / 2) / kDivisor * kDivisor);
  const bool is_too_small = nearest * 10 < channels * 9;
  return is_too_small ? nearest + kDivisor : nearest;
}

YamlValue fused_ib_row(NetworkSketch& network, Random& random) {
  const int64_t in_channels = network.channels();
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t stride = network.next_stride(random);
  const std::string ratio = random.word({"1", "2", "1.5", "0.7"});
  network.add_expansion(scaled(in_channels, ratio), stride);
  network.add(out_channels, stride);
  return YamlValue::list({in_channels, out_channels, stride, ratio, some_flag(random, random.one_in(2))});
}

YamlValue attention_of(const NetworkSketch& network, Random& random) {
  const int64_t dim = random.pick<int64_t>({1, 4, 8, 9});
  const int64_t query_stride = some_query_stride(network, random);
  return YamlValue::list({random.between(1, 3), dim, dim, query_stride, query_stride, random.between(1, 3),
                          some_flag(random, random.one_in(2)), some_flag(random, true),
                          some_flag(random, random.one_in(2))});
}

YamlValue uib_row(NetworkSketch& network, Random& random) {
  const int64_t in_channels = network.channels();
  const int64_t out_channels = some_out_channels(network, random);
  const int64_t start = random.one_in(2) ? 0 : some_kernel(random);
  const int64_t middle = random.one_in(3) ? 0 : some_kernel(random);
  const bool on_middle = !random.one_in(3);
  const int64_t stride = network.next_stride(random);
  const std::string ratio = random.word({"1", "2", "1.5", "3"});
  network.add_expansion(rounded_to_8(scaled(in_channels, ratio)), !on_middle && start > 0 ? stride : 1);
  network.add(out_channels, (on_middle ? middle : start) > 0 ? stride : 1);
  YamlValue row =
      YamlValue::list({in_channels, out_channels, start, middle, some_flag(random, on_middle), stride, ratio});
  if (random.one_in(3)) {
    row.items.push_back(attention_of(network, random));
    network.add(out_channels, 1);
  }
  return row;
}

YamlValue some_layer(NetworkSketch& network, Random& random) {
  const size_t kind = random.below(4);
  const size_t blocks = 1 + random.below(3);
  std::vector<YamlValue> rows;
  for (size_t i = 0; i < blocks; ++i) {
    rows.push_back(kind == 0   ? convbn_row(network, random)
                   : kind == 1 ? fused_ib_row(network, random)
                               : uib_row(network, random));
  }
  network.end_stage();
  return layer(kind == 0 ? "convbn" : kind == 1 ? "fused_ib" : "uib", std::move(rows), random);
}

BackboneSketch sketch_mobilenetv4_cfg(LevelsRead /*read*/, Random& random) {
  BackboneSketch sketch;
  sketch.form = "mobilenetv4 cfg";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_common_params(params, random);
  if (random.one_in(2)) params.add(act_type_key(random), some_activation(random));
  if (random.one_in(2)) params.add("residual", some_bool(random, random.one_in(2)));

  NetworkSketch network(stride_limit(params, kStrideLimit));
  const int64_t stem = some_channels(random);
  const int64_t stem_stride = random.between(2, 3);
  network.add(stem, stem_stride);
  YamlValue cfg = YamlValue::map();
  cfg.add("conv0",
          layer("convbn", {YamlValue::list({sketch.in_channels, stem, random.pick<int64_t>({1, 3, 5}), stem_stride})},
                random));
  const size_t layers = 1 + random.below(3);
  for (size_t i = 1; i <= layers; ++i) cfg.add(fmt::format("layer{}", i), some_layer(network, random));

  sketch.levels = add_feature_levels(params, network, random);
  sketch.node.add("name", "mobilenetv4");
  if (random.one_in(3)) {
    params.add("cfg", std::move(cfg));
  } else {
    sketch.node.add("cfg", std::move(cfg));
  }
  add_params(sketch.node, std::move(params), random);
  return sketch;
}

const BackboneForm kBlocks("mobilenetv4 stage_params", sketch_mobilenetv4);
const BackboneForm kLayers("mobilenetv4 cfg", sketch_mobilenetv4_cfg);

}  // namespace
}  // namespace zoo::test
