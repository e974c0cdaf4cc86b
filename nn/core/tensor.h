// A dense float tensor that owns its memory.
#pragma once

#include <vector>

#include "nn/core/shape.h"

namespace zoo {

/// Row-major float32 values; `data.size() == shape.elements()`.
struct Tensor {
  Shape shape;
  std::vector<float> data;
};

}  // namespace zoo
