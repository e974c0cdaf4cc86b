// COCO's run-length encoded masks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace zoo::pipeline {

/// Lengths of the runs of one class in a label map, column by column: first of other labels (may be 0), then of the
/// class, and so on. `labels`: 8 bit, one channel.
std::vector<int64_t> runs_of(const cv::Mat& labels, uint8_t index);

/// COCO's compressed form of runs, the `counts` of a segmentation (cocoapi, maskApi.c, rleToString): from the fourth
/// run on the difference to the run two before; each number in 5-bit groups, lowest first, a sixth bit says that more
/// follow, and the sign is that of the last group; 48 is added to make ASCII.
std::string compress_runs(const std::vector<int64_t>& runs);

/// The inverse. Throws Error for text that is none.
std::vector<int64_t> expand_runs(std::string_view counts);

}  // namespace zoo::pipeline
