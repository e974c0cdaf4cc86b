// A whole model file, decoded and checked, not yet built.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbones/registry.h"
#include "heads/neck_registry.h"
#include "heads/registry.h"
#include "models/answer_config.h"
#include "models/preprocess_config.h"
#include "nn/core/config_node.h"
#include "nn/core/task.h"
#include "nn/graph/graph.h"
#include "nn/weights/name_scheme.h"

namespace zoo::models {

/// `runtime:` of a model file.
struct RuntimeConfig {
  std::string precision = "f32";  ///< a name that engine::precision_from knows
  int threads = 1;
};

/// Everything a model file says.
struct ModelConfig {
  std::filesystem::path file;
  std::optional<Task> task;  ///< empty for a backbone alone
  std::string name;
  int64_t num_classes = 1000;
  std::vector<std::string> labels;    ///< one per class, or empty
  std::filesystem::path labels_file;  ///< where they come from; empty where that is the model file itself or a name
  /// `checkpoint.path`, resolved against the model file's folder; empty if null.
  std::filesystem::path checkpoint;
  /// `checkpoint.use_pretrained`: without a path, the weights are the known checkpoint `pretrained` from the cache.
  /// Nothing is downloaded here: models/pull.h does that.
  bool use_pretrained = false;
  /// `checkpoint.pretrained`, else the model's name: what find_pretrained() is asked for.
  std::string pretrained;
  /// `file:line:column: key` of `checkpoint.path` or, without one, of `use_pretrained`: begins messages about weights
  /// that the model file asks for. Empty if it asks for none.
  std::string checkpoint_where;
  /// `checkpoint.entry`: weights::CheckpointFileOptions::entry.
  std::string checkpoint_entry;
  std::optional<weights::Ecosystem> ecosystem;  ///< `checkpoint.scheme`; detected from the file when empty
  PreprocessConfig preprocess;
  std::string preprocess_origin;  ///< who says so: the model file, a config.json, ...; for messages
  RuntimeConfig runtime;
  std::string backbone_name;
  std::string neck_name;  ///< empty without a neck
  std::string head_name;
  backbones::BackboneDefinition backbone;
  std::optional<heads::NeckDefinition> neck;
  heads::HeadDefinition head;  ///< builds nothing for a backbone alone
  /// How the graph's raw maps become detections, `model.postprocessor` included; only for detection.
  std::optional<heads::DetectionDecoding> detection;
  AnswerConfig answers;                          ///< only for classification
  std::vector<ConfigDocument::Ignored> ignored;  ///< training-only keys, for -v
};

/// `model.task`, for messages and listings: "detection"; "none" for a backbone alone.
std::string_view task_name(const ModelConfig& config);

/// Reads and checks a model file, `file` as for find_model_file (zoo_files.h): a file, or the name of a model of the
/// zoo. Throws ConfigError with every problem.
ModelConfig load_model_config(const std::filesystem::path& file, std::span<const ConfigOverride> overrides = {});

/// The same from a parsed document; paths in it are relative to the folder of `file`.
ModelConfig decode_model_config(const ConfigDocument& document, const std::filesystem::path& file);

/// Reads and checks what a backbone alone needs: backbone, weights, preprocessing and run-time. Task, classes, neck and
/// head may be absent; they are listed as ignored and not checked. Throws ConfigError with every problem.
ModelConfig load_backbone_config(const std::filesystem::path& file, std::span<const ConfigOverride> overrides = {});

/// Graph of a decoded model. Outputs: what the head, if there is one, hands out ("logits", or the raw maps that
/// `detection` names), then every level of the backbone as "feature.0", "feature.1", ... (finest first; those that a
/// head makes itself go on counting), then those of the neck as "neck.0",
/// .... Throws GraphError.
graph::Graph build_graph(const ModelConfig& config);

/// [H, W] of the input of a network that is not run on pictures: what preprocessing would yield, else 224x224.
std::array<int64_t, 2> usual_input_size(const ModelConfig& config);

/// The 1000 ImageNet-1k class names, as `labels: imagenet1k` means them.
const std::vector<std::string>& imagenet1k_labels();

}  // namespace zoo::models
