// A whole model file, decoded and checked, not yet built.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backbones/registry.h"
#include "heads/neck_registry.h"
#include "heads/registry.h"
#include "models/preprocess_config.h"
#include "nn/core/config_node.h"
#include "nn/graph/graph.h"
#include "nn/weights/name_scheme.h"

namespace zoo::models {

/// `runtime:` of a model file.
struct RuntimeConfig {
  std::string precision = "f32";
  int threads = 1;
};

/// Everything a model file says.
struct ModelConfig {
  std::filesystem::path file;
  std::string task;  ///< "classification", "detection" or "segmentation"
  std::string name;
  int64_t num_classes = 1000;
  std::vector<std::string> labels;  ///< one per class, or empty
  /// `checkpoint.path`, resolved against the model file's folder; empty if null.
  std::filesystem::path checkpoint;
  /// `checkpoint.use_pretrained`: the trainer would download weights; this library needs a file instead.
  bool use_pretrained = false;
  /// `file:line:column: key` of `checkpoint.path` or, without one, of `use_pretrained`: begins messages about weights
  /// that the model file asks for. Empty if it asks for none.
  std::string checkpoint_where;
  /// `checkpoint.entry`: weights::CheckpointFileOptions::entry.
  std::string checkpoint_entry;
  std::optional<weights::Ecosystem> ecosystem;  ///< `checkpoint.scheme`; detected from the file when empty
  PreprocessConfig preprocess;
  RuntimeConfig runtime;
  std::string backbone_name;
  std::string neck_name;  ///< empty without a neck
  std::string head_name;
  backbones::BackboneDefinition backbone;
  std::optional<heads::NeckDefinition> neck;
  heads::HeadDefinition head;
  /// How the graph's raw maps become detections, `model.postprocessor` included; only for detection.
  std::optional<heads::DetectionDecoding> detection;
  std::vector<ConfigDocument::Ignored> ignored;  ///< training-only keys, for -v
};

/// Reads and checks a model file. Throws ConfigError with every problem.
ModelConfig load_model_config(const std::filesystem::path& file, std::span<const ConfigOverride> overrides = {});

/// Graph of a decoded model. Outputs: what the head hands out ("logits", or the raw maps that `detection` names), then
/// every level of the backbone as "feature.0", "feature.1", ... (finest first), then those of the neck as "neck.0",
/// .... Throws GraphError.
graph::Graph build_graph(const ModelConfig& config);

/// The 1000 ImageNet-1k class names, as `labels: imagenet1k` means them.
const std::vector<std::string>& imagenet1k_labels();

}  // namespace zoo::models
