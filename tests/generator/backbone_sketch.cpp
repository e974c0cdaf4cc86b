#include "tests/generator/backbone_sketch.h"

#include <cctype>
#include <utility>

#include <fmt/format.h>

namespace zoo::test {
namespace {

std::map<std::string, SketchBackbone>& forms() {
  static std::map<std::string, SketchBackbone> forms;
  return forms;
}

}  // namespace

const std::map<std::string, SketchBackbone>& backbone_forms() { return forms(); }

BackboneForm::BackboneForm(const std::string& name, SketchBackbone sketch) { forms().emplace(name, sketch); }

int64_t NetworkSketch::next_stride(Random& random) const {
  const int64_t stride = random.pick<int64_t>({1, 1, 1, 1, 2, 2, 2, 3, 4});
  return this->stride() * stride <= stride_limit_ ? stride : 1;
}

std::string NetworkSketch::block_name() const {
  return values_.empty() ? "stem" : fmt::format("stage{}.block{}", stage_, block_);
}

void NetworkSketch::add(int64_t channels, int64_t stride) {
  const std::string name = block_name();
  if (!values_.empty()) ++block_;
  last_ = {channels, last_.stride * stride};
  values_.push_back({.name = name, .level = last_});
}

void NetworkSketch::add_between(const std::string& name, int64_t stride) {
  last_.stride *= stride;
  values_.push_back({.name = name, .level = last_});
}

void NetworkSketch::add_expansion(int64_t channels, int64_t stride) {
  values_.push_back(
      {.name = block_name() + ".expand", .level = {channels, last_.stride * stride}, .inside_block = true});
}

void NetworkSketch::add_last_conv(int64_t channels, int64_t stride) {
  last_ = {channels, last_.stride * stride};
  values_.push_back({.name = "last_conv", .level = last_});
}

void NetworkSketch::end_stage() {
  values_.back().ends_stage = true;
  ++stage_;
  block_ = 0;
}

std::vector<ExpectedLevel> NetworkSketch::levels(const std::string& feature_levels) const {
  std::vector<ExpectedLevel> levels;
  for (const SketchedValue& value : values_) {
    if (value.inside_block || (feature_levels == "stages" && !value.ends_stage)) continue;
    const bool is_deeper = feature_levels == "strides" && !levels.empty() && levels.back().stride == value.level.stride;
    if (is_deeper) levels.pop_back();
    levels.push_back(value.level);
  }
  levels.back() = last_;
  return levels;
}

int64_t some_channels(Random& random) { return random.pick<int64_t>({3, 4, 5, 7, 8, 8, 8, 12, 16, 17, 24}); }

int64_t some_kernel(Random& random) {
  if (random.one_in(80)) return random.pick<int64_t>({9, 11, 31});
  return random.pick<int64_t>({1, 3, 3, 3, 5, 5, 7});
}

YamlValue some_activation(Random& random) {
  std::string name = random.word({"relu", "relu6", "prelu", "leaky_relu", "gelu", "silu", "swish", "hard_swish",
                                  "hard_sigmoid", "sigmoid", "identity"});
  if (random.one_in(10)) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return random.one_in(10) ? '"' + name + '"' : name;
}

YamlValue some_bool(Random& random, bool value) {
  return value ? random.word({"True", "true", "yes", "on"}) : random.word({"False", "false", "no", "off"});
}

YamlValue some_null(Random& random) { return random.word({"~", "null"}); }

std::string act_type_key(Random& random) { return random.word({"act_type", "activation"}); }

int64_t add_common_params(YamlValue& params, Random& random) {
  int64_t in_channels = 3;
  if (random.one_in(3)) {
    in_channels = random.pick<int64_t>({1, 1, 2, 3, 4, 4, 6});
    params.add("in_channels", in_channels);
  }
  if (random.one_in(3)) params.add("norm_type", random.word({"batch_norm", "batch_norm", "instance_norm"}));
  if (random.one_in(3)) params.add("norm_eps", random.word({"1e-5", "0.001", "1.0e-3", "0.01"}));
  if (random.one_in(3)) params.add("padding", random.word({"symmetric", "same", "same"}));
  return in_channels;
}

std::vector<ExpectedLevel> add_feature_levels(YamlValue& params, const NetworkSketch& network, Random& random) {
  if (random.one_in(2)) return network.levels("stages");
  if (!random.one_in(3)) {
    const std::string word = random.word({"stages", "strides", "blocks"});
    params.add("feature_levels", word);
    return network.levels(word);
  }
  const std::vector<SketchedValue>& values = network.values();
  size_t last = random.one_in(2) ? values.size() - 1 : random.below(values.size());
  while (values[last].inside_block) ++last;  // the block itself comes after its inside
  YamlValue names = YamlValue::list();
  std::vector<ExpectedLevel> levels;
  for (size_t i = 0; i <= last; ++i) {
    if (i < last && !random.one_in(3)) continue;
    names.items.emplace_back(values[i].name);
    levels.push_back(values[i].level);
  }
  params.add("feature_levels", std::move(names));
  return levels;
}

int64_t stride_limit(YamlValue& params, int64_t otherwise) {
  const YamlValue* norm = params.find("norm_type");
  return norm != nullptr && norm->text == "instance_norm" ? kStrideOfInstanceNorm : otherwise;
}

void add_params(YamlValue& backbone, YamlValue params, Random& random) {
  if (params.entries.empty() && random.one_in(2)) {
    if (random.one_in(2)) backbone.add("params", some_null(random));
    return;
  }
  random.shuffle(params.entries);
  backbone.add("params", std::move(params));
}

}  // namespace zoo::test
