// Triton's classification extension: the best classes of an output as texts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// `scores`: FP32 [N, ...], where all but N are classes. BYTES [N, K] of `SCORE:INDEX:LABEL`, best first, of equals the
/// lower index; SCORE reads back bit for bit; without `:LABEL` unless there are as many labels as classes. K: `count`,
/// or all there are.
NamedTensor classification_of(const NamedTensor& scores, int64_t count, const std::vector<std::string>& labels);

}  // namespace zoo::serve
