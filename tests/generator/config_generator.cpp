#include "tests/generator/config_generator.h"

#include <array>
#include <utility>

#include "tests/generator/backbone_sketch.h"

namespace zoo::test {
namespace {

constexpr int64_t kClassesOfImagenet = 1000;

YamlValue number_list(size_t count, Random& random) {
  YamlValue list = YamlValue::list();
  for (size_t i = 0; i < count; ++i) list.items.emplace_back(random.word({"0.5", "0.225", "1", ".4"}));
  return list;
}

YamlValue some_size(Random& random) {
  if (random.one_in(4)) return some_null(random);
  const int64_t size = random.between(1, 300);
  return random.one_in(2) ? YamlValue(size) : YamlValue::list({size, random.between(1, 300)});
}

// Without a hidden layer its keys have no effect, whatever they say.
void add_unused_hidden_keys(YamlValue& params, Random& random) {
  if (random.one_in(4)) params.add("intermediate_channels", YamlValue::any(int64_t{64}));
  if (random.one_in(4)) params.add(act_type_key(random), YamlValue::any("hard_swish"));
}

YamlValue some_head(const BackboneSketch& backbone, Random& random) {
  const bool is_fc = random.one_in(2);
  YamlValue params = YamlValue::map();
  const int64_t layers = random.between(1, 3);
  if (layers > 1 || random.one_in(2)) params.add("num_layers", layers);
  if (random.one_in(3)) params.add("dropout_prob", YamlValue::any(random.word({"0.", "0.2", "~"})));
  if (layers == 1) {
    add_unused_hidden_keys(params, random);
  } else {
    if (backbone.head_channels == 0) {
      params.add("intermediate_channels", some_channels(random));
    } else if (random.one_in(2)) {
      params.add("intermediate_channels", backbone.head_channels);
    }
    params.add(act_type_key(random), some_activation(random));
    if (is_fc) {
      if (random.one_in(2)) params.add("intermediate_bias", some_bool(random, random.one_in(2)));
    } else {
      const bool pools_last = random.one_in(2);
      if (pools_last || random.one_in(2)) params.add("pooling", pools_last ? "last" : "first");
      const bool maps_are_large = backbone.levels.back().stride <= kStrideOfInstanceNorm;
      const bool of_instance = pools_last && maps_are_large && random.one_in(4);
      if (of_instance || random.one_in(2)) params.add("norm_type", of_instance ? "instance_norm" : "batch_norm");
      // A small eps amplifies the rounding of maps that a deep network has made nearly constant.
      if (of_instance || random.one_in(2)) params.add("norm_eps", of_instance ? "0.01" : "1e-4");
    }
  }
  YamlValue head = YamlValue::map();
  head.add("name", is_fc ? "fc" : "fc_conv");
  add_params(head, std::move(params), random);
  return head;
}

YamlValue some_checkpoint(Random& random) {
  if (random.one_in(4)) return some_null(random);
  YamlValue checkpoint = YamlValue::map();
  if (random.one_in(2)) checkpoint.add("use_pretrained", some_bool(random, random.one_in(2)));
  if (random.one_in(2)) checkpoint.add("path", random.one_in(2) ? some_null(random) : YamlValue("weights.pth"));
  if (random.one_in(2)) checkpoint.add("entry", "model_ema");
  if (random.one_in(2)) checkpoint.add("scheme", random.word({"netspresso", "torchvision", "timm"}));
  if (random.one_in(2)) checkpoint.add("load_head", YamlValue::any("False"));
  if (random.one_in(2)) checkpoint.add("optimizer_path", YamlValue::any("~"));
  return checkpoint;
}

YamlValue some_losses() {
  YamlValue loss = YamlValue::map();
  loss.add("criterion", "cross_entropy");
  loss.add("label_smoothing", "0.1");
  loss.add("weight", "~");
  return YamlValue::any(YamlValue::list({loss}));
}

// Adds `num_classes` and `labels` and yields the number of classes.
int64_t add_classes(YamlValue& model, Random& random) {
  const bool has_labels = random.one_in(20);
  if (has_labels || random.one_in(4)) model.add("labels", has_labels ? YamlValue("imagenet1k") : some_null(random));
  if (random.one_in(20)) return kClassesOfImagenet;
  const int64_t classes = has_labels ? kClassesOfImagenet : random.between(1, 12);
  model.add("num_classes", classes);
  return classes;
}

YamlValue some_architecture(BackboneSketch backbone, Random& random) {
  YamlValue architecture = YamlValue::map();
  architecture.add("head", some_head(backbone, random));
  random.shuffle(backbone.node.entries);
  architecture.add("backbone", std::move(backbone.node));
  if (random.one_in(4)) architecture.add("full", some_null(random));
  if (random.one_in(4)) architecture.add("neck", some_null(random));
  random.shuffle(architecture.entries);
  return architecture;
}

// What a network with so many input channels may or must say.
void add_preprocess(YamlValue& root, int64_t in_channels, Random& random) {
  const bool is_gray = in_channels == 1;
  if (!is_gray && (in_channels != 3 || random.one_in(3))) {
    if (random.one_in(3)) root.add("preprocess", some_null(random));
    return;
  }
  const auto channels = static_cast<size_t>(in_channels);
  YamlValue preprocess = YamlValue::map();
  if (random.one_in(2)) preprocess.add("resize", some_size(random));
  if (random.one_in(2)) preprocess.add("crop", some_size(random));
  if (random.one_in(2)) {
    preprocess.add("interpolation", random.word({"nearest", "bilinear", "bicubic", "lanczos"}));
  }
  if (is_gray || random.one_in(2)) preprocess.add("mean", number_list(channels, random));
  if (is_gray || random.one_in(2)) preprocess.add("std", number_list(channels, random));
  if (random.one_in(2)) preprocess.add("color", is_gray ? "gray" : random.word({"rgb", "bgr"}));
  random.shuffle(preprocess.entries);
  root.add("preprocess", std::move(preprocess));
}

void add_runtime(YamlValue& root, Random& random) {
  if (random.one_in(2)) return;
  YamlValue runtime = YamlValue::map();
  if (random.one_in(2)) runtime.add("precision", "f32");
  if (random.one_in(2)) runtime.add("threads", random.between(1, 4));
  root.add("runtime", random.one_in(6) ? some_null(random) : std::move(runtime));
}

BackboneSketch some_backbone(Random& random) {
  constexpr std::array kForms = {sketch_mobilenetv1, sketch_mobilenetv2, sketch_mobilenetv3,    sketch_mobilenetv3_rows,
                                 sketch_mobilenetv4, sketch_mobilenetv4, sketch_mobilenetv4_cfg};
  return kForms.at(random.below(kForms.size()))(random);
}

}  // namespace

GeneratedConfig generate_config(uint32_t seed) {
  Random random(seed);
  GeneratedConfig config;
  config.seed = seed;
  BackboneSketch backbone = some_backbone(random);
  config.form = backbone.form;
  config.levels = backbone.levels;
  config.rounds_down = backbone.rounds_down;
  const int64_t in_channels = backbone.in_channels;

  YamlValue model = YamlValue::map();
  model.add("task", "classification");
  model.add("name", "generated");
  config.num_classes = add_classes(model, random);
  if (random.one_in(3)) model.add("checkpoint", some_checkpoint(random));
  if (random.one_in(4)) model.add("freeze_backbone", YamlValue::any("False"));
  if (random.one_in(4)) model.add("losses", some_losses());
  if (random.one_in(4)) model.add("postprocessor", YamlValue::any("~"));
  model.add("architecture", some_architecture(std::move(backbone), random));
  random.shuffle(model.entries);

  config.tree = YamlValue::map();
  config.tree.add("model", std::move(model));
  add_preprocess(config.tree, in_channels, random);
  add_runtime(config.tree, random);
  config.text = write_yaml(config.tree, random);
  config.input = Shape{random.between(1, 3), in_channels, random.between(32, 48), random.between(32, 64)};
  return config;
}

}  // namespace zoo::test
