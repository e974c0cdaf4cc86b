// The flags of `eval`, and what follows from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/batch_flags.h"
#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/progress.h"
#include "pipeline/eval/evaluate.h"

namespace zoo::apps {

struct EvalFlags {
  ModelFlags model;
  WeightFlags weights;
  SizeFlag size;
  std::string data;
  std::string annotations;
  std::string unknown;
  std::string json_value;
  std::optional<std::string> json;  ///< file, or "-" for standard output instead of text
  std::string confusion;
  std::optional<double> score_thresh;
  std::string class_order;
  std::optional<int64_t> limit;
  int threads = 0;
  std::optional<engine::Precision> precision;
  KernelFlags kernels;
  BatchFlags batch;

  void add_to(CLI::App& app);
  /// Once they are parsed. Throws UsageError where they do not go together.
  void settle();
  /// Throws UsageError where a flag does not go with the model, or an output cannot be.
  void check(const models::ModelConfig& config) const;

  int shards() const;
  /// What says the truth of a detection, or of a multi-label classification.
  std::filesystem::path annotations_of(const models::ModelConfig& config) const;
  eval::EvalOptions options(Progress& progress) const;

 private:
  CLI::Option* json_option_ = nullptr;
  const CLI::App* app_ = nullptr;
};

}  // namespace zoo::apps
