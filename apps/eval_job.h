// `eval` in parts: the pictures of a shard, each with what it adds to the figures, and the figures of all parts.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/eval_flags.h"
#include "models/model.h"
#include "pipeline/batch/merge.h"
#include "pipeline/eval/evaluate.h"

namespace zoo::apps {

/// The data set as `eval` has read it.
struct EvalData {
  std::vector<std::filesystem::path> pictures;  ///< of its items, in their order
  std::string truth_digest;                     ///< of what is known of the items: classes, names and sizes of masks
  std::optional<int64_t> left_out;              ///< files that count in no figure, where a data set may hold such
};

/// Evaluates the chosen items, by index, with on_item of the options.
using EvaluateChosen =
    std::function<eval::ShardedRun(const std::vector<size_t>& chosen, const eval::EvalOptions& options)>;

/// Works on the rows of the shard that its part does not have yet. Rows without an item (no ground truth) and items
/// that fail are failures. `options`: as for a run. Yields the program's exit code.
int run_eval_job(const EvalFlags& flags, const models::Model& model, const EvalData& data, eval::EvalOptions options,
                 const EvaluateChosen& evaluate);

/// Writes the figures of a job that `eval` has done into `output`, as `eval --json` does, and prints them. Throws
/// ConfigError and IoError where the parts are not whole or not those of `eval`.
void merge_evaluation(const batch::PartSet& parts, const std::string& output);

}  // namespace zoo::apps
