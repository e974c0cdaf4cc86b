// What a network is for, and what follows from that for its model file.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace zoo {

enum class Task { kClassification, kDetection, kSegmentation };

struct TaskTraits {
  Task task;
  std::string_view name;  ///< as `model.task` writes it
  /// Classes where the model file does not say: those of the data set that published checkpoints are made for
  /// (ImageNet-1k, COCO, Pascal VOC with its background).
  int64_t usual_classes;
  /// The head reads the levels that the backbone's configuration returns, and a neck may stand before it. Otherwise it
  /// reads the last level, which is always there.
  bool reads_levels;
  /// The head's raw maps are decoded as `model.postprocessor` says.
  bool postprocessed;
};

/// Every task, in the order of the enumeration.
inline constexpr std::array<TaskTraits, 3> kTasks = {{
    {Task::kClassification, "classification", 1000, false, false},
    {Task::kDetection, "detection", 80, true, true},
    {Task::kSegmentation, "segmentation", 21, true, false},
}};

constexpr const TaskTraits& traits_of(Task task) { return kTasks[static_cast<size_t>(task)]; }

static_assert(std::ranges::all_of(kTasks, [](const TaskTraits& row) { return &traits_of(row.task) == &row; }));

/// The name of a task in model files.
constexpr std::string_view to_string(Task task) { return traits_of(task).name; }

/// Empty if no task has the name.
constexpr std::optional<Task> task_from(std::string_view name) {
  const auto* const row = std::ranges::find(kTasks, name, &TaskTraits::name);
  if (row == kTasks.end()) return std::nullopt;
  return row->task;
}

}  // namespace zoo
