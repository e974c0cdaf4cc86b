// COCO's run-length encoded masks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/tasks/task_result.h"

namespace zoo::pipeline {

/// Lengths of the runs of one class in a label map, column by column: first of other labels (may be 0), then of the
/// class, and so on.
using Runs = std::vector<int64_t>;

/// The runs of every class that occurs, by index, in one pass over the label map; the places of the others are empty.
/// `labels`: 8 bit, one channel.
std::array<Runs, 256> runs_by_class(const cv::Mat& labels);

/// COCO's compressed form of runs, the `counts` of a segmentation (cocoapi, maskApi.c, rleToString): from the fourth
/// run on the difference to the run two before; each number in 5-bit groups, lowest first, a sixth bit says that more
/// follow, and the sign is that of the last group; 48 is added to make ASCII.
std::string compress_runs(const Runs& runs);

/// The inverse. Throws Error for text that is none.
Runs expand_runs(std::string_view counts);

/// The compressed runs of Segmentation::classes, in their order. Thread-safe, as everything here.
std::vector<std::string> mask_counts(const Segmentation& result);
/// The same of any result into `counts` (ProcessedFrame::mask_counts), unless it is no segmentation or they are there.
void add_mask_counts(const TaskResult& result, std::vector<std::string>& counts);

}  // namespace zoo::pipeline
