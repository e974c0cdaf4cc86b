// Results as tensors, named as ServedModelInfo::outputs says.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/core/tensor.h"
#include "pipeline/tasks/task_result.h"
#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// The answers to one or several pictures, all of one task. Where a picture has fewer guesses than another its rows end
/// with empty labels, scores of 0 and class -1. Throws Error where a mask cannot be written.
std::vector<NamedTensor> answer_tensors(const std::vector<pipeline::TaskResult>& results);

/// Those of the network's outputs that are `wanted`, of several pictures, each run alone, as one batch; `anchors`,
/// which all share, once. Throws Error where their shapes differ.
std::vector<NamedTensor> network_tensors(std::vector<std::vector<std::pair<std::string, Tensor>>> pictures,
                                         std::span<const std::string> wanted);

}  // namespace zoo::serve
