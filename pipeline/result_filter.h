// What stands between a stream's results and everything that shows them.
#pragma once

#include <functional>

#include "pipeline/result_sink.h"

namespace zoo::pipeline {

/// Adds to the results of one video, given in the order of its frames, what follows from those before. One thread at a
/// time.
using ResultFilter = std::function<void(ProcessedFrame&)>;

/// Names that stand still (LabelSmoother), where the model that answered has a `smoothing`. A filter of its own for
/// every stream; what it follows begins anew with another epoch or another model, whatever that one's task.
ResultFilter make_result_filter();

}  // namespace zoo::pipeline
