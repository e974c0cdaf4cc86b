// One operation at a time, as the plainest loop over row-major values.
#pragma once

#include <span>

#include "nn/core/shape.h"
#include "nn/graph/op.h"

namespace zoo::engine::reference {

struct TensorView {
  Shape shape;
  std::span<const float> data;
};

/// f(x) in double. `slope` is what kPrelu multiplies negative input with.
double activate(ActivationKind kind, double x, double slope);

/// Computes `op` of `srcs` into `dst` (row-major, `dst_shape`). `values` holds the parameters that `op` names.
/// Also evaluates fused operations, so that passes can be checked on their own.
void evaluate(const graph::Op& op, std::span<const TensorView> srcs, const ParameterValues& values,
              const Shape& dst_shape, std::span<float> dst);

}  // namespace zoo::engine::reference
