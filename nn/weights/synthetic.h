// Weights from a formula: for shape and speed work without a checkpoint, and for the reference data of the tests, which
// was produced by the same formula (a hash of seed and tensor name drives a SplitMix64 stream).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/core/parameter.h"
#include "nn/core/tensor.h"
#include "nn/weights/name_scheme.h"

namespace zoo::weights {

struct FormulaOptions {
  std::string seed = "zoo";
  /// Weights are uniform in +-sqrt(gain / fan_in). What takes the options throws WeightError for less than 0.
  double gain = 4.5;
};

/// Values by the parameters' own names; finite activations in every network of the zoo.
ParameterValues formula_values(std::span<const Parameter> parameters, const FormulaOptions& options);

/// Values by the names of an ecosystem. Throws WeightError if it has no name for a parameter.
ParameterValues formula_values(std::span<const Parameter> parameters, Ecosystem ecosystem,
                               const FormulaOptions& options);

/// One tensor of the formula. `name` decides the kind of value by its last component: running_mean, running_var,
/// gamma, bias, other vectors, other tensors.
Tensor formula_tensor(std::string_view name, const Shape& shape, const FormulaOptions& options);

/// The formula's input image: 2 * (2u - 1) * scale from the tensor name "input".
Tensor formula_input(const Shape& shape, const std::string& seed, float scale = 1.0F);

}  // namespace zoo::weights
