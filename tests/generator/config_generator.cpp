#include "tests/generator/config_generator.h"

#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "tests/generator/backbone_sketch.h"
#include "tests/generator/head_sketch.h"

namespace zoo::test {
namespace {

// What a task's published checkpoints know.
struct TaskClasses {
  const char* labels;
  int64_t labelled;
  int64_t by_default;
};

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

YamlValue some_checkpoint(Random& random) {
  if (random.one_in(4)) return some_null(random);
  YamlValue checkpoint = YamlValue::map();
  if (random.one_in(2)) checkpoint.add("use_pretrained", some_bool(random, random.one_in(2)));
  if (random.one_in(2)) checkpoint.add("path", random.one_in(2) ? some_null(random) : YamlValue("weights.pth"));
  // Beside a path, so that what the cache of this machine holds does not matter.
  const YamlValue* path = checkpoint.find("path");
  if (path != nullptr && path->text == "weights.pth" && random.one_in(2)) {
    checkpoint.add("pretrained", "mobilenetv4_conv_small.e2400_r224_in1k");
  }
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

TaskClasses classes_of(const std::string& task) {
  if (task == "detection") return {"coco91", 91, 80};
  if (task == "segmentation") return {"voc21", 21, 21};
  return {"imagenet1k", 1000, 1000};
}

// Adds `num_classes` and `labels` and yields the number of classes.
int64_t add_classes(YamlValue& model, const std::string& task, Random& random) {
  const auto [labels, labelled, by_default] = classes_of(task);
  const bool has_labels = random.one_in(20);
  if (has_labels || random.one_in(4)) model.add("labels", has_labels ? YamlValue(labels) : some_null(random));
  if (random.one_in(20)) return has_labels ? labelled : by_default;
  const int64_t classes = has_labels ? labelled : random.between(1, 12);
  model.add("num_classes", classes);
  return classes;
}

YamlValue some_unknown(Random& random) {
  YamlValue unknown = YamlValue::map();
  unknown.add("score", random.word({"max_probability", "margin", "energy"}));
  unknown.add("threshold", random.word({"0", "0.5", ".75", "1"}));
  random.shuffle(unknown.entries);
  return unknown;
}

YamlValue some_smoothing(Random& random) {
  YamlValue smoothing = YamlValue::map();
  if (random.one_in(2)) smoothing.add("window_s", random.word({"0.25", "1", "60"}));
  if (random.one_in(2)) smoothing.add("hysteresis", random.word({"0", "0.2", "1"}));
  return smoothing;
}

YamlValue some_multi_label(int64_t classes, Random& random) {
  YamlValue multi_label = YamlValue::map();
  if (random.one_in(2)) multi_label.add("threshold", random.word({"0", "0.3", "1"}));
  if (random.one_in(2)) {
    YamlValue thresholds = YamlValue::map();
    thresholds.add(fmt::format("\"{}\"", random.between(0, classes - 1)), random.word({"0.1", "0.9"}));
    multi_label.add("thresholds", random.one_in(4) ? some_null(random) : std::move(thresholds));
  }
  return multi_label;
}

// What a classifier may answer beside its best guess; several classes, or unknown and smoothing.
void add_answers(YamlValue& model, int64_t classes, Random& random) {
  if (random.one_in(4)) {
    model.add("multi_label", some_multi_label(classes, random));
    return;
  }
  if (random.one_in(3)) model.add("unknown", random.one_in(6) ? some_null(random) : some_unknown(random));
  if (random.one_in(3)) model.add("smoothing", random.one_in(6) ? some_null(random) : some_smoothing(random));
  if (random.one_in(6)) model.add("multi_label", some_null(random));
}

void add_maps(GeneratedConfig& config, const char* name, const std::vector<ExpectedLevel>& levels) {
  for (size_t i = 0; i < levels.size(); ++i) {
    config.outputs.push_back({fmt::format("{}.{}", name, i), levels[i].channels, levels[i].stride});
  }
}

// Adds neck and head and says in `config` what follows from them.
void add_neck_and_head(YamlValue& architecture, const BackboneSketch& backbone, GeneratedConfig& config,
                       Random& random) {
  std::optional<NeckSketch> neck;
  const std::vector<ExpectedLevel>* read = backbone.returned.empty() ? &backbone.levels : &backbone.returned;
  if (config.task != "classification" && !random.one_in(3)) neck = sketch_neck(*read, random);
  if (neck) {
    config.neck = "fpn";
    read = &neck->levels;
  }
  HeadSketch head = config.task == "classification" ? sketch_classification_head(backbone, config.num_classes, random)
                    : config.task == "detection"    ? sketch_detection_head(*read, config.num_classes, random)
                                                    : sketch_segmentation_head(*read, config.num_classes, random);
  config.head = head.name;
  config.outputs = std::move(head.outputs);
  // Levels that the head makes itself continue the backbone's.
  size_t level = backbone.levels.size();
  for (ExpectedOutput& output : config.outputs) {
    if (output.name.starts_with("extra.")) output.name = fmt::format("feature.{}", level++);
  }
  add_maps(config, "feature", backbone.levels);
  if (neck) add_maps(config, "neck", neck->levels);

  YamlValue node = YamlValue::map();
  node.add("name", head.name);
  add_params(node, std::move(head.params), random);
  architecture.add("head", std::move(node));
  if (neck) {
    architecture.add("neck", std::move(neck->node));
  } else if (random.one_in(4)) {
    architecture.add("neck", some_null(random));
  }
}

YamlValue some_architecture(BackboneSketch backbone, GeneratedConfig& config, Random& random) {
  YamlValue architecture = YamlValue::map();
  add_neck_and_head(architecture, backbone, config, random);
  random.shuffle(backbone.node.entries);
  architecture.add("backbone", std::move(backbone.node));
  if (random.one_in(4)) architecture.add("full", some_null(random));
  random.shuffle(architecture.entries);
  return architecture;
}

YamlValue some_letterbox(size_t channels, Random& random) {
  YamlValue letterbox = YamlValue::map();
  const int64_t size = random.between(1, 300);
  letterbox.add("size", random.one_in(2) ? YamlValue(size) : YamlValue::list({size, random.between(1, 300)}));
  if (random.one_in(2)) {
    YamlValue colour = YamlValue::list();
    for (size_t i = 0; i < channels; ++i) colour.items.emplace_back(random.between(0, 255));
    letterbox.add("fill", random.one_in(2) ? std::move(colour) : YamlValue(random.between(0, 255)));
  }
  if (random.one_in(2)) letterbox.add("position", random.word({"center", "top_left"}));
  random.shuffle(letterbox.entries);
  return letterbox;
}

// A letterbox, or a size and a crop.
void add_geometry(YamlValue& preprocess, size_t channels, Random& random) {
  if (random.one_in(3)) {
    preprocess.add("letterbox", some_letterbox(channels, random));
    if (random.one_in(4)) preprocess.add("resize", some_null(random));
    if (random.one_in(4)) preprocess.add("crop", some_null(random));
    return;
  }
  if (random.one_in(2)) preprocess.add("resize", some_size(random));
  if (random.one_in(2)) preprocess.add("crop", some_size(random));
  if (random.one_in(6)) preprocess.add("letterbox", some_null(random));
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
  add_geometry(preprocess, channels, random);
  if (random.one_in(2)) {
    preprocess.add("interpolation", random.word({"nearest", "bilinear", "bicubic", "lanczos", "torch_bilinear"}));
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

BackboneSketch some_backbone(LevelsRead read, Random& random) {
  const auto& forms = backbone_forms();
  const auto form = std::next(forms.begin(), static_cast<std::ptrdiff_t>(random.below(forms.size())));
  return form->second(read, random);
}

}  // namespace

GeneratedConfig generate_config(uint32_t seed) {
  Random random(seed);
  GeneratedConfig config;
  config.seed = seed;
  config.task = random.word({"classification", "classification", "detection", "segmentation"});
  const bool reads_last = config.task == "classification";
  BackboneSketch backbone = some_backbone(reads_last ? LevelsRead::kLast : LevelsRead::kSeveral, random);
  config.form = backbone.form;
  config.levels = backbone.levels;
  config.rounds_down = backbone.rounds_down;
  const int64_t in_channels = backbone.in_channels;

  YamlValue model = YamlValue::map();
  model.add("task", config.task);
  model.add("name", "generated");
  config.num_classes = add_classes(model, config.task, random);
  if (random.one_in(3)) model.add("checkpoint", some_checkpoint(random));
  if (random.one_in(4)) model.add("freeze_backbone", YamlValue::any("False"));
  if (random.one_in(4)) model.add("losses", some_losses());
  if (config.task == "classification") add_answers(model, config.num_classes, random);
  if (config.task != "detection") {
    if (random.one_in(4)) model.add("postprocessor", YamlValue::any("~"));
  } else if (!random.one_in(3)) {
    model.add("postprocessor", sketch_postprocessor(random));
  }
  model.add("architecture", some_architecture(std::move(backbone), config, random));
  random.shuffle(model.entries);

  config.tree = YamlValue::map();
  config.tree.add("model", std::move(model));
  add_preprocess(config.tree, in_channels, random);
  add_runtime(config.tree, random);
  config.text = write_yaml(config.tree, random);
  config.input = Shape{random.between(1, 3), in_channels, random.between(32, kLargestInput.h),
                       random.between(32, kLargestInput.w)};
  return config;
}

}  // namespace zoo::test
