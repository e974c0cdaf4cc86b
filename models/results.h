// What a run yields, named and shaped as the trainers list it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/model_config.h"
#include "nn/core/tensor.h"
#include "nn/engine/executable.h"

namespace zoo::models {

/// Names of the outputs that a predictor of the model's task computes; empty for a backbone alone.
std::vector<std::string> result_outputs(const ModelConfig& config);

/// The outputs of a runner that has run, in the order of the executable. The raw maps of a detection head become rows
/// [N, H * W * anchors, columns], `cls_logits.K` and `bbox_regression.K`, or, where the head's library lists all levels
/// together (torchvision), one `cls_logits` and one `bbox_regression` after everything else. When those of all levels
/// were computed and the head has anchors, `anchors` [boxes, 4] follows: x0, y0, x1, y1 in pixels of the input, in the
/// order of the rows of all levels; then for every picture I of the batch its detections, best first: `det.I.boxes`
/// [n, 4] like the anchors, `det.I.scores` [n] and `det.I.labels` [n]. Throws Error when the head has no anchors for
/// these sizes, EngineError when a raw map holds what is no number.
std::vector<std::pair<std::string, Tensor>> collect_results(const ModelConfig& config,
                                                            const engine::Executable& executable,
                                                            const engine::Runner& runner);

}  // namespace zoo::models
