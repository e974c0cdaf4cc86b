// ShuffleNetV2: published sizes, and lists per stage.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/generator/backbone_sketch.h"

namespace zoo::test {
namespace {

constexpr int64_t kStrideLimit = 64;

// Even, and for the trainer's form more than the block reads.
int64_t some_even_channels(const NetworkSketch& network, bool trainers, Random& random) {
  const int64_t least = trainers ? network.channels() / 2 + 1 : 1;
  return 2 * random.between(least, least + 9);
}

YamlValue some_stage(NetworkSketch& network, bool trainers, Random& random) {
  YamlValue out_channels = YamlValue::list();
  YamlValue strides = YamlValue::list();
  YamlValue kernels = YamlValue::list();
  const bool has_kernels = random.one_in(2);
  const size_t blocks = 1 + random.below(3);
  for (size_t i = 0; i < blocks; ++i) {
    const int64_t stride = network.next_stride(random);
    const int64_t channels = stride == 1 ? network.channels() : some_even_channels(network, trainers, random);
    out_channels.items.emplace_back(channels);
    strides.items.emplace_back(stride);
    if (has_kernels) kernels.items.emplace_back(some_kernel(random));
    network.add(channels, stride);
  }
  network.end_stage();
  YamlValue stage = YamlValue::map();
  stage.add("out_channels", std::move(out_channels));
  stage.add("stride", std::move(strides));
  if (has_kernels) stage.add("kernel_sizes", std::move(kernels));
  random.shuffle(stage.entries);
  return stage;
}

struct PublishedSize {
  const char* name;
  std::vector<int64_t> channels;
};

// Adds the blocks of a published size and its name.
void add_published(YamlValue& params, NetworkSketch& network, Random& random) {
  static const std::vector<PublishedSize> sizes = {{"0.5x", {48, 96, 192}},   {"0.5x", {48, 96, 192}},
                                                   {"0.5x", {48, 96, 192}},   {"1.0x", {116, 232, 464}},
                                                   {"1.5x", {176, 352, 704}}, {"2.0x", {244, 488, 976}}};
  const std::vector<size_t> blocks = {4, 8, 4};
  const PublishedSize& size = sizes.at(random.below(sizes.size()));
  for (size_t stage = 0; stage < blocks.size(); ++stage) {
    for (size_t block = 0; block < blocks[stage]; ++block) network.add(size.channels[stage], block == 0 ? 2 : 1);
    network.end_stage();
  }
  params.add("model_size", random.one_in(3) ? '"' + std::string(size.name) + '"' : std::string(size.name));
}

// Input channels and normalisation; this family has no other padding.
int64_t add_input_and_norm(YamlValue& params, Random& random) {
  int64_t in_channels = 3;
  if (random.one_in(3)) {
    in_channels = random.pick<int64_t>({1, 2, 3, 4});
    params.add("in_channels", in_channels);
  }
  if (random.one_in(3)) params.add("norm_type", random.word({"batch_norm", "batch_norm", "instance_norm"}));
  if (random.one_in(3)) params.add("norm_eps", random.word({"1e-5", "0.001", "0.01"}));
  return in_channels;
}

void add_last_conv(YamlValue& params, NetworkSketch& network, Random& random) {
  if (random.one_in(2)) return;
  const int64_t channels = random.one_in(3) ? 0 : some_channels(random);
  params.add("last_conv_channels", channels == 0 && random.one_in(2) ? some_null(random) : YamlValue(channels));
  if (channels > 0) network.add_last_conv(channels);
}

BackboneSketch sketch_shufflenetv2(LevelsRead read, Random& random) {
  BackboneSketch sketch;
  sketch.form = "shufflenetv2";
  YamlValue params = YamlValue::map();
  sketch.in_channels = add_input_and_norm(params, random);
  const bool trainers = random.one_in(2);
  if (!trainers || random.one_in(3)) params.add("form", trainers ? "trainer" : "torchvision");
  if (random.one_in(3)) params.add(act_type_key(random), some_activation(random));
  // An instance norm needs larger maps than the published sizes leave.
  const int64_t limit = stride_limit(params, kStrideLimit);
  const bool published = limit == kStrideLimit && random.one_in(8);
  const int64_t stem = random.one_in(3) ? 24 : 2 * random.between(2, 8);
  if (stem != 24 || random.one_in(2)) params.add("stem_channels", stem);
  NetworkSketch network(limit);
  network.add(stem, 2);
  network.add_between("pool", 2);
  YamlValue stages = YamlValue::list();
  if (published) {
    add_published(params, network, random);
  } else {
    const size_t count = 1 + random.below(3);
    for (size_t i = 0; i < count; ++i) stages.items.push_back(some_stage(network, trainers, random));
  }
  const size_t stage_count = published ? 3 : stages.items.size();
  add_last_conv(params, network, random);
  sketch.levels = add_feature_levels(params, network, random);
  const YamlValue* levels = params.find("feature_levels");
  const bool reads_stages = levels == nullptr || levels->text == "stages";
  if (trainers && reads_stages && stage_count > 2 && read == LevelsRead::kSeveral) {
    sketch.returned.assign(sketch.levels.end() - 2, sketch.levels.end());
  }
  sketch.node.add("name", "shufflenetv2");
  add_params(sketch.node, std::move(params), random);
  if (!published) sketch.node.add("stage_params", std::move(stages));
  if (published && random.one_in(2)) sketch.node.add("stage_params", some_null(random));
  return sketch;
}

const BackboneForm kForm("shufflenetv2", sketch_shufflenetv2);

}  // namespace
}  // namespace zoo::test
