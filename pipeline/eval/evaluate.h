// A model against ground truth.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/model.h"
#include "pipeline/eval/agreement.h"
#include "pipeline/eval/class_folders.h"
#include "pipeline/eval/coco_annotations.h"
#include "pipeline/eval/coco_metric.h"
#include "pipeline/eval/iou_metric.h"
#include "pipeline/eval/label_table.h"
#include "pipeline/eval/mask_folders.h"
#include "pipeline/eval/multi_label_metric.h"
#include "pipeline/eval/shards.h"
#include "pipeline/eval/top_k_metric.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::eval {

/// What became of one picture.
struct ItemOutcome {
  std::string metric;   ///< `to_json()` of a metric that has seen this picture alone; empty where it failed
  Agreement agreement;  ///< with f32, if asked for
  std::string failure;  ///< message; empty where it did not fail
};

struct EvalOptions {
  /// Threads, each with a predictor of its own; 1 to engine::kMaxThreads. They share the compiled network. The figures
  /// do not depend on it.
  int shards = 1;
  /// Of each predictor. Its `threads` is best 1.
  pipeline::NetworkOptions network = {.threads = 1};
  /// Detection: instead of the model file's `postprocessor.params.score_thresh`.
  std::optional<double> score_thresh = std::nullopt;
  /// Runs every picture once more in f32, without compact layers and tiles, and counts how far both say the same.
  bool compare_with_f32 = false;
  ShardOptions run = {};
  /// Told of every picture before it is touched, by the thread that works on it. What it throws is as of on_item.
  std::function<void(int64_t item)> on_begin = {};
  /// Where it is given, it takes every picture by itself, and nothing is gathered: the summary is that of no picture.
  /// Called by several threads at a time; what it throws ends the run, but for IoError, which nobody sees.
  std::function<void(int64_t item, ItemOutcome outcome)> on_item = {};
};

/// What came out. Pictures that failed (unreadable, or ground truth that does not fit them) count in no figure.
template <typename Summary>
struct Evaluation {
  Summary summary;
  std::optional<Agreement> agreement;  ///< with f32, if asked for
  ShardedRun run;
};

/// Each throws Error when the model's task is another one or an option is out of range, and what its predictor throws
/// other than for one picture.
Evaluation<TopKSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const ClassItem> items,
                                 const EvalOptions& options = {});
Evaluation<CocoSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const BoxItem> items,
                                 const EvalOptions& options = {});
Evaluation<IouSummary> evaluate(const std::shared_ptr<const models::Model>& model, std::span<const MaskItem> items,
                                const EvalOptions& options = {});
/// Throws Error, too, where the model file has no `multi_label`.
Evaluation<MultiLabelSummary> evaluate(const std::shared_ptr<const models::Model>& model,
                                       std::span<const LabelItem> items, const EvalOptions& options = {});

/// How well a model knows each of a number of pictures.
struct CertaintyRun {
  std::vector<pipeline::Certainty> certainties;  ///< of the pictures that could be read, in no order
  ShardedRun run;
};

/// Throws as evaluate(). `compare_with_f32` does not count.
CertaintyRun find_certainties(const std::shared_ptr<const models::Model>& model,
                              std::span<const std::filesystem::path> pictures, const EvalOptions& options = {});

/// `limit` of the items, evenly spaced, in their order; all of them if there are no more.
template <typename Item>
std::vector<Item> evenly_chosen(std::vector<Item> items, int64_t limit) {
  const auto count = static_cast<int64_t>(items.size());
  if (limit >= count) return items;
  std::vector<Item> chosen;
  for (int64_t i = 0; i < limit; ++i) chosen.push_back(std::move(items[static_cast<size_t>(i * count / limit)]));
  return chosen;
}

}  // namespace zoo::eval
