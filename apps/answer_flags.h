// The flags that say how much of an answer is wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "apps/model_flags.h"
#include "models/model_config.h"
#include "pipeline/tasks/task_result.h"

namespace zoo::apps {

/// `--topk`, `--score-thresh`.
struct AnswerFlags {
  std::optional<int64_t> top_k;
  std::optional<double> score_thresh;

  void add_to(CLI::App& app);
  /// Throws UsageError when this model would ignore one of them, or of `others`.
  void check(const models::ModelConfig& config, std::vector<TaskFlag> others = {}) const;
  void set(pipeline::PredictorOptions& options) const;
};

}  // namespace zoo::apps
