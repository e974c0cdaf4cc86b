// What clients send, checked against what the model takes.
#pragma once

#include <vector>

#include <opencv2/core/mat.hpp>

#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// The input of the model that a request fills. Throws Error: no such input, another datatype, a shape that does not
/// fit, or another number of values than it says.
const TensorInfo& checked_input(const ServedModelInfo& model, const NamedTensor& input);

/// 8-bit BGR pictures of an input "images" or "pixels", at least one. Throws Error, ImageError.
std::vector<cv::Mat> pictures_of(NamedTensor input);

}  // namespace zoo::serve
