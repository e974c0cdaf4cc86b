// Ranges for networks in int8.
#pragma once

#include <algorithm>
#include <memory>

#include "nn/engine/compile/calibrator.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {

/// Calibrated on the very image that run_network runs, for which the ranges are exact.
inline std::shared_ptr<const Calibration> calibration_of(const graph::BoundGraph& network, const Shape& shape) {
  Calibrator calibrator(network, {1, shape[1], shape[2], shape[3]});
  const Tensor image = weights::formula_input(shape, "test");
  const size_t pixels = calibrator.input().size();
  for (size_t n = 0; n < static_cast<size_t>(shape[0]); ++n) {
    std::copy_n(image.data.begin() + static_cast<std::ptrdiff_t>(n * pixels), pixels, calibrator.input().begin());
    calibrator.observe();
  }
  return std::make_shared<const Calibration>(calibrator.finish(RangeMethod::kMinMax));
}

}  // namespace zoo::engine
