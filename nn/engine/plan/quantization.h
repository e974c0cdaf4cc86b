// How real numbers become 8-bit ones, and which of them: per node of a network. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "nn/engine/calibration.h"

namespace zoo::engine {

/// real = (q - zero) * step, q from 0 to 255. One entry per channel, padded to whole blocks.
struct Quantization {
  std::vector<float> step;
  std::vector<float> inverse_step;
  std::vector<float> zero;  ///< whole numbers, but for the image's
  /// All channels have the same step and zero.
  bool uniform = true;
};

/// What an int8 network needs to know about each of its values.
class QuantizationTable {
 public:
  /// `graph`: optimised. Throws GraphError when the calibration has no range for a map of it, or an impossible one.
  QuantizationTable(const graph::Graph& graph, const std::vector<Shape>& shapes, const Calibration& calibration);

  /// Of a map, or the image (node 0); nullptr for vectors.
  const std::shared_ptr<const Quantization>& of(graph::NodeId id) const { return maps_[static_cast<size_t>(id)]; }

 private:
  std::vector<std::shared_ptr<const Quantization>> maps_;
};

}  // namespace zoo::engine
