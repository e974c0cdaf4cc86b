#include "models/model_config.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heads/postprocess.h"
#include "models/labels.h"
#include "models/pretrained_cfg.h"
#include "models/zoo_files.h"
#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/engine/machine/thread_pool.h"
#include "nn/graph/graph_builder.h"

namespace zoo::models {
namespace {

constexpr int64_t kMaxClasses = 1'000'000;
constexpr std::string_view kBackboneOnly = "only the backbone is asked for";
constexpr const char* kFutureTask = "pose_estimation";  // the trainer has it

void decode_task(const ConfigNode& model, ModelConfig& config) {
  const ConfigNode node = model.at("task");
  std::vector<std::string> names;
  for (const TaskTraits& traits : kTasks) names.emplace_back(traits.name);
  names.emplace_back(kFutureTask);
  const auto choice = node.as_choice(names, "task");
  if (!choice) return;
  if (*choice < kTasks.size()) {
    config.task = kTasks[*choice].task;
    return;
  }
  names.pop_back();
  node.problem(fmt::format("{} is not available in this version; the tasks are {} and {}", kFutureTask,
                           fmt::join(names.begin(), names.end() - 1, ", "), names.back()));
}

// A backbone alone is read and named as a classifier's.
Task task_of(const ModelConfig& config) { return config.task.value_or(Task::kClassification); }

void decode_classes(const ConfigNode& model, ModelConfig& config) {
  const ConfigNode labels = model.find("labels");
  config.labels = decode_labels(labels, config.file.parent_path());
  config.labels_file = labels_file(labels, config.file.parent_path());
  const auto label_count = static_cast<int64_t>(config.labels.size());
  config.num_classes = label_count > 0 ? label_count : traits_of(task_of(config)).usual_classes;
  const ConfigNode node = model.find("num_classes");
  if (!given(node)) return;
  config.num_classes = node.as_int_in(1, kMaxClasses, config.num_classes);
  if (label_count > 0 && label_count != config.num_classes) {
    // Who trained a head anew has other classes than the zoo's file; who counts objects forgets the background.
    const bool background = task_of(config) != Task::kClassification && std::abs(label_count - config.num_classes) == 1;
    labels.problem(fmt::format(
        "{}, but num_classes is {}{}; name {} in a file, one label per line (--set model.labels=FILE), or go "
        "without names (--set model.labels=~)",
        counted(label_count, "label"), config.num_classes,
        background ? ", which counts the background where the head has one" : "",
        counted(config.num_classes, "class")));
  }
}

void decode_checkpoint(const ConfigNode& model, ModelConfig& config) {
  config.pretrained = config.name;
  const ConfigNode checkpoint = model.find("checkpoint");
  if (!given(checkpoint)) return;
  checkpoint.ignore("load_head", "the loading report says which part of a checkpoint fits");
  checkpoint.ignore("optimizer_path", "optimisers act in training only");
  const ConfigNode pretrained = checkpoint.find("use_pretrained");
  config.use_pretrained = pretrained && pretrained.as_bool();
  if (config.use_pretrained) config.checkpoint_where = fmt::format("{}: {}", pretrained.where(), pretrained.path());
  if (const ConfigNode named = checkpoint.find("pretrained"); given(named)) {
    config.pretrained = named.as_string();
    if (named.is_scalar() && find_pretrained(config.pretrained) == nullptr) {
      named.problem(unknown_pretrained(config.pretrained));
    }
  }
  const ConfigNode path = checkpoint.find("path");
  if (given(path)) {
    const std::string text = path.as_string();
    if (text.empty()) path.problem("an empty path; write ~ for none");
    config.checkpoint = config.file.parent_path() / text;
    config.checkpoint_where = fmt::format("{}: {}", path.where(), path.path());
  }
  const ConfigNode entry = checkpoint.find("entry");
  if (given(entry)) config.checkpoint_entry = entry.as_string();
  const ConfigNode scheme = checkpoint.find("scheme");
  if (given(scheme)) {
    const std::vector<std::string> names = weights::ecosystem_names();
    if (const auto choice = scheme.as_choice(names, "scheme")) {
      config.ecosystem = weights::ecosystem_from_name(names[*choice]);
    }
  }
}

void decode_backbone(const ConfigNode& backbone, ModelConfig& config) {
  const ConfigNode name = backbone.at("name");
  const auto& registry = backbones::BackboneRegistry::global();
  const std::vector<std::string> names = registry.names();
  const auto choice = name.as_choice(names, "backbone");
  if (!choice) {
    backbone.skip();
    return;
  }
  config.backbone_name = names[*choice];
  config.backbone = registry.find(config.backbone_name)->decoder(backbone);
}

// The levels of `pyramid` that the neck or, without one, the head reads; none where the model file has yet to say
// which.
std::vector<heads::FeatureLevel> levels_read(const ModelConfig& config, const backbones::FeaturePyramid& pyramid) {
  const std::vector<size_t>& returned = config.backbone.returned_levels;
  const bool all = !traits_of(task_of(config)).reads_levels || returned.empty();
  std::vector<heads::FeatureLevel> levels;
  if (!all && !config.backbone.levels_key.empty()) return levels;
  for (size_t i = 0; i < pyramid.size(); ++i) {
    if (!all && std::find(returned.begin(), returned.end(), i) == returned.end()) continue;
    levels.push_back({pyramid[i].value, pyramid[i].channels, pyramid[i].stride});
  }
  return levels;
}

// A head for several levels behind a backbone that hands out its last one only because nobody said which.
void check_levels(const ConfigNode& backbone, const ModelConfig& config) {
  if (!traits_of(*config.task).reads_levels || config.backbone.levels_key.empty()) return;
  std::vector<size_t> all(config.backbone.features.size());
  std::iota(all.begin(), all.end(), size_t{0});
  backbone.find("params")
      .find(config.backbone.levels_key)
      .problem(fmt::format("none given: only the last level is returned, but a {} reads several; list them{}",
                           to_string(*config.task),
                           all.empty() ? "" : fmt::format(", e.g. [{}]", fmt::join(all, ", "))));
}

void decode_neck(const ConfigNode& neck, ModelConfig& config) {
  const auto& registry = heads::NeckRegistry::global();
  const std::vector<std::string> names = registry.names();
  const auto choice = neck.at("name").as_choice(names, "neck");
  if (!choice) {
    neck.skip();
    config.neck.emplace();
    return;
  }
  config.neck_name = names[*choice];
  const heads::NeckContext context = {.features = levels_read(config, config.backbone.features)};
  config.neck = registry.find(config.neck_name)->decoder(neck, context);
}

void decode_head(const ConfigNode& head, ModelConfig& config) {
  const ConfigNode name = head.at("name");
  const auto& registry = heads::HeadRegistry::global();
  const std::vector<std::string> names = registry.names(*config.task);
  const auto choice = name.as_choice(names, "head");
  if (!choice) {
    head.skip();
    return;
  }
  config.head_name = names[*choice];
  const heads::HeadContext context = {
      .features = config.neck ? config.neck->levels : levels_read(config, config.backbone.features),
      .num_classes = config.num_classes,
      .head_channels = config.backbone.head_channels};
  config.head = registry.find(*config.task, config.head_name)->decoder(head, context);
}

void refuse_full(const ConfigNode& architecture) {
  if (const ConfigNode full = architecture.find("full"); given(full)) {
    full.problem("models without a separate backbone are not available in this version; give backbone and head");
    full.skip();
  }
}

void decode_architecture(const ConfigNode& architecture, ModelConfig& config) {
  refuse_full(architecture);
  const ConfigNode backbone = architecture.at("backbone");
  decode_backbone(backbone, config);
  const ConfigNode neck = architecture.find("neck");
  const ConfigNode head = architecture.at("head");
  // Heads of a task that is unknown or not available are not known here; the task itself has been reported.
  if (!config.task) {
    neck.skip();
    head.skip();
    return;
  }
  check_levels(backbone, config);
  if (given(neck) && !traits_of(*config.task).reads_levels) {
    neck.problem(fmt::format("a {} model has no neck", to_string(*config.task)));
    neck.skip();
  } else if (given(neck)) {
    decode_neck(neck, config);
  }
  decode_head(head, config);
}

void decode_postprocessor(const ConfigNode& model, ModelConfig& config) {
  if (config.task && !traits_of(*config.task).postprocessed) {
    model.ignore("postprocessor", fmt::format("a {} model has no postprocessor", to_string(*config.task)));
    return;
  }
  if (!config.head.detection) {
    model.ignore("postprocessor", "this head's outputs are not decoded");
    return;
  }
  config.detection = config.head.detection;
  config.detection->postprocess = heads::decode_postprocess(model.find("postprocessor"), config.detection->postprocess);
}

void decode_answer_keys(const ConfigNode& model, ModelConfig& config) {
  if (!config.task || *config.task == Task::kClassification) {
    config.answers = decode_answers(model, config.labels, config.num_classes);
  } else {
    refuse_answers(model, fmt::format("a {}", to_string(*config.task)));
  }
}

// What a known checkpoint was published with, where its weights will be used and the model file does not say.
void take_pretrained_preprocess(const ConfigNode& model, ModelConfig& config) {
  const PretrainedCheckpoint* known = find_pretrained(config.pretrained);
  if (!config.use_pretrained || !config.checkpoint.empty() || known == nullptr) return;
  try {
    if (const auto found = pretrained_preprocess(*known, hub::HubSettings::from_environment())) {
      config.preprocess = found->config;
      config.preprocess_origin = found->origin;
    }
  } catch (const Error& error) {
    model.find("checkpoint").find("use_pretrained").problem(error.what());
  }
}

void decode_preprocessing(const ConfigNode& root, ModelConfig& config) {
  const ConfigNode node = root.find("preprocess");
  const int64_t channels = config.backbone.in_channels;
  if (channels == 1 && !given(node)) {
    node.problem(
        "missing; a network with 1 input channel has no usual mean and std: give those of its training, one value each "
        "(preprocess.mean, preprocess.std); preprocess.color is gray then");
  }
  config.preprocess = decode_preprocess(node, channels);
  config.preprocess_origin = given(node) ? "the model file" : "the usual ImageNet values";
  if (!given(node) && channels == 3) take_pretrained_preprocess(root.find("model"), config);
}

RuntimeConfig decode_runtime(const ConfigNode& node) {
  RuntimeConfig config;
  if (!given(node)) return config;
  if (const ConfigNode precision = node.find("precision")) {
    const std::array<std::string, 4> names = {"f32", "bf16", "int8", "auto"};
    const bool other_spelling = precision.is_scalar() && precision.as_string() == "fp32";
    if (other_spelling) {
      config.precision = "f32";
    } else if (const auto choice = precision.as_choice(names, "precision")) {
      config.precision = names[*choice];
    }
  }
  if (const ConfigNode threads = node.find("threads")) {
    config.threads = static_cast<int>(threads.as_int_in(1, engine::kMaxThreads, 1));
  }
  return config;
}

// Levels that a head makes itself (`extra.0`, ...) continue the backbone's: torchvision lists them together.
void continue_pyramid(graph::Graph& graph, size_t levels) {
  constexpr std::string_view kExtra = "extra.";
  for (graph::Output& output : graph.outputs) {
    if (output.name.starts_with(kExtra)) output.name = fmt::format("feature.{}", levels++);
  }
}

// How ecosystems name the tensors of the whole network.
std::shared_ptr<const NetworkNames> names_of(const ModelConfig& config) {
  const auto* family = backbones::BackboneRegistry::global().find(config.backbone_name);
  const auto* neck = heads::NeckRegistry::global().find(config.neck_name);
  const auto* head = heads::HeadRegistry::global().find(task_of(config), config.head_name);
  return std::make_shared<const NetworkNames>(task_of(config), family == nullptr ? FamilyNames() : family->names,
                                              neck == nullptr ? HeadNames() : neck->names,
                                              head == nullptr ? HeadNames() : head->names);
}

void ignore_training_keys(const ConfigNode& model) {
  model.ignore("freeze_backbone", "freezing acts in training only");
  model.ignore("losses", "losses act in training only");
}

// What stands beside `model`.
void decode_surroundings(const ConfigNode& root, ModelConfig& config) {
  decode_preprocessing(root, config);
  config.runtime = decode_runtime(root.find("runtime"));
}

}  // namespace

std::string_view task_name(const ModelConfig& config) { return config.task ? to_string(*config.task) : "none"; }

ModelConfig load_model_config(const std::filesystem::path& file, std::span<const ConfigOverride> overrides) {
  const std::filesystem::path found = find_model_file(file);
  return decode_model_config(ConfigDocument::load(found, overrides), found);
}

ModelConfig decode_model_config(const ConfigDocument& document, const std::filesystem::path& file) {
  const ConfigNode root = document.root();
  ModelConfig config;
  config.file = file;

  const ConfigNode model = root.at("model");
  decode_task(model, config);
  config.name = model.at("name").as_string();
  decode_classes(model, config);
  decode_checkpoint(model, config);
  decode_architecture(model.at("architecture"), config);
  ignore_training_keys(model);
  decode_postprocessor(model, config);
  decode_answer_keys(model, config);
  decode_surroundings(root, config);

  document.finish();
  config.ignored = document.ignored();
  return config;
}

ModelConfig load_backbone_config(const std::filesystem::path& file, std::span<const ConfigOverride> overrides) {
  const std::filesystem::path found = find_model_file(file);
  const ConfigDocument document = ConfigDocument::load(found, overrides);
  const ConfigNode root = document.root();
  ModelConfig config;
  config.file = found;

  const ConfigNode model = root.at("model");
  if (const ConfigNode name = model.find("name"); given(name)) config.name = name.as_string();
  decode_checkpoint(model, config);
  const ConfigNode architecture = model.at("architecture");
  refuse_full(architecture);
  decode_backbone(architecture.at("backbone"), config);
  ignore_training_keys(model);
  for (const char* key : {"task", "num_classes", "labels", "postprocessor"}) model.ignore(key, kBackboneOnly);
  for (const char* key : kAnswerKeys) model.ignore(key, kBackboneOnly);
  for (const char* key : {"neck", "head"}) architecture.ignore(key, kBackboneOnly);
  decode_surroundings(root, config);

  document.finish();
  config.ignored = document.ignored();
  return config;
}

graph::Graph build_graph(const ModelConfig& config) {
  graph::GraphBuilder builder(config.backbone.in_channels);
  backbones::FeaturePyramid pyramid;
  {
    const graph::GraphBuilder::Scope scope(builder, "backbone");
    pyramid = config.backbone.build(builder);
  }
  std::vector<heads::FeatureLevel> levels = levels_read(config, pyramid);
  if (config.neck) {
    const graph::GraphBuilder::Scope scope(builder, "neck");
    levels = config.neck->build(builder, levels);
  }
  if (config.head.build) {
    const graph::GraphBuilder::Scope scope(builder, "head");
    config.head.build(builder, levels);
  }
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  for (size_t i = 0; config.neck && i < levels.size(); ++i) builder.output(fmt::format("neck.{}", i), levels[i].value);
  graph::Graph graph = builder.take();
  continue_pyramid(graph, pyramid.size());
  const std::shared_ptr<const NetworkNames> names = names_of(config);
  for (Parameter& parameter : graph.parameters) parameter.names = names;
  return graph;
}

std::array<int64_t, 2> usual_input_size(const ModelConfig& config) {
  constexpr std::array<int64_t, 2> kImagenet = {224, 224};
  return config.preprocess.output_size().value_or(kImagenet);
}

}  // namespace zoo::models
