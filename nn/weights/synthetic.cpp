#include "nn/weights/synthetic.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::weights {
namespace {

uint64_t fnv1a(std::string_view seed, std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325U;
  const auto add = [&hash](std::string_view text) {
    for (const char c : text) {
      hash ^= static_cast<unsigned char>(c);
      hash *= 0x100000001B3U;
    }
  };
  add(seed);
  add("/");
  add(name);
  return hash;
}

/// Element `index` of the SplitMix64 stream of `hash`, as a multiple of 2^-24 in [0, 1).
float uniform(uint64_t hash, uint64_t index) {
  uint64_t z = hash + (index + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  z ^= z >> 31U;
  return static_cast<float>(static_cast<int32_t>(z >> 40U)) * 0x1p-24F;
}

/// dst[i] = value(u of element i).
template <typename Value>
void fill_with(std::span<float> dst, uint64_t hash, Value value) {
  for (size_t i = 0; i < dst.size(); ++i) dst[i] = value(uniform(hash, i));
}

/// The rules of the formula, in order; every operation is rounded to float32.
void fill(std::span<float> dst, std::string_view name, const Shape& shape, const FormulaOptions& options) {
  const uint64_t hash = fnv1a(options.seed, name);
  const std::string_view field = name.substr(name.rfind('.') + 1);
  if (field == "num_batches_tracked") {
    std::fill(dst.begin(), dst.end(), 0.0F);
  } else if (field == "running_mean" || field == "bias") {
    fill_with(dst, hash, [](float u) { return 0.2F * (2.0F * u - 1.0F); });
  } else if (field == "running_var") {
    fill_with(dst, hash, [](float u) { return 0.5F + u; });
  } else if (field == "gamma") {
    fill_with(dst, hash, [](float u) { return 0.1F * (0.5F + u); });
  } else if (shape.rank() < 2) {
    fill_with(dst, hash, [](float u) { return 0.5F + u; });
  } else {
    if (!(options.gain >= 0.0 && std::isfinite(options.gain))) {
      throw WeightError(fmt::format("FormulaOptions::gain: expected a number of 0 or more, found {}", options.gain));
    }
    int64_t fan_in = 1;
    for (size_t axis = 1; axis < shape.rank(); ++axis) fan_in *= shape[axis];
    const auto scale = static_cast<float>(std::sqrt(options.gain / static_cast<double>(fan_in)));
    fill_with(dst, hash, [scale](float u) { return (2.0F * u - 1.0F) * scale; });
  }
}

/// Values of all parameters in one buffer; `tensor_of` yields name and shape of each for the formula.
template <typename TensorOf>
ParameterValues fill_all(std::span<const Parameter> parameters, const FormulaOptions& options, TensorOf tensor_of) {
  size_t total = 0;
  for (const Parameter& parameter : parameters) total += static_cast<size_t>(parameter.shape.elements());
  const auto buffer = std::make_shared<OwnedValues>(ValueVector(total));
  ParameterValues values;
  values.owners.push_back(buffer);
  std::span<float> rest = buffer->values;
  for (const Parameter& parameter : parameters) {
    const std::span<float> dst = rest.first(static_cast<size_t>(parameter.shape.elements()));
    rest = rest.subspan(dst.size());
    const ExpectedTensor tensor = tensor_of(parameter);
    fill(dst, tensor.name, tensor.shape, options);
    values.views.emplace_back(dst);
  }
  return values;
}

}  // namespace

ParameterValues formula_values(std::span<const Parameter> parameters, const FormulaOptions& options) {
  return fill_all(parameters, options, [](const Parameter& parameter) {
    return ExpectedTensor{parameter.name, parameter.shape};
  });
}

ParameterValues formula_values(std::span<const Parameter> parameters, Ecosystem ecosystem,
                               const FormulaOptions& options) {
  return fill_all(parameters, options, [ecosystem](const Parameter& parameter) {
    std::optional<ExpectedTensor> tensor = expected_tensor(ecosystem, parameter);
    if (!tensor) throw WeightError(fmt::format("{} has no tensor for {}", to_string(ecosystem), parameter.name));
    return *std::move(tensor);
  });
}

Tensor formula_tensor(std::string_view name, const Shape& shape, const FormulaOptions& options) {
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(shape.elements()))};
  fill(tensor.data, name, shape, options);
  return tensor;
}

Tensor formula_input(const Shape& shape, const std::string& seed, float scale) {
  Tensor tensor{shape, std::vector<float>(static_cast<size_t>(shape.elements()))};
  fill_with(tensor.data, fnv1a(seed, "input"), [scale](float u) { return 2.0F * (2.0F * u - 1.0F) * scale; });
  return tensor;
}

}  // namespace zoo::weights
