#include "nn/weights/load.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "nn/weights/convert.h"
#include "nn/weights/match.h"
#include "nn/weights/synthetic.h"

namespace zoo::weights {
namespace {

/// The tensor's values where they are, or nothing if they must be converted or copied.
std::optional<std::span<const float>> values_in_place(const StoredTensor& tensor) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.data.data());
  if (tensor.dtype != DType::kF32 || address % alignof(float) != 0) return std::nullopt;
  return std::span(reinterpret_cast<const float*>(tensor.data.data()), tensor.data.size() / sizeof(float));
}

ParameterValues read_values(std::span<const Parameter> parameters, std::span<const StoredTensor* const> sources,
                            const CheckpointFile& file) {
  ParameterValues values;
  values.views.resize(parameters.size());
  size_t buffer_size = 0;
  bool uses_file = false;
  for (size_t id = 0; id < parameters.size(); ++id) {
    if (sources[id] == nullptr || !values_in_place(*sources[id])) {
      buffer_size += static_cast<size_t>(parameters[id].shape.elements());
    } else {
      uses_file = true;
    }
  }
  if (uses_file) values.owners.push_back(file.owner());
  const auto buffer = std::make_shared<OwnedValues>(ValueVector(buffer_size));
  if (buffer_size > 0) values.owners.push_back(buffer);

  std::span<float> rest = buffer->values;
  for (size_t id = 0; id < parameters.size(); ++id) {
    if (const auto view = sources[id] == nullptr ? std::nullopt : values_in_place(*sources[id])) {
      values.views[id] = *view;
      continue;
    }
    const std::span<float> dst = rest.first(static_cast<size_t>(parameters[id].shape.elements()));
    rest = rest.subspan(dst.size());
    if (sources[id] != nullptr) {
      widen(*sources[id], dst);
    } else {
      const Tensor tensor = formula_tensor(parameters[id].name, parameters[id].shape, {});
      std::copy(tensor.data.begin(), tensor.data.end(), dst.begin());
    }
    values.views[id] = dst;
  }
  return values;
}

}  // namespace

LoadReport check_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                            const LoadOptions& options) {
  return match_checkpoint(parameters, file, options).report;
}

LoadedWeights load_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                              const LoadOptions& options) {
  CheckpointMatch match = match_checkpoint(parameters, file, options);
  if (!match.report.acceptable) {
    throw WeightError(Lines{fmt::format("{}: does not fit the network: {}\n{}", printable(file.path().string()),
                                        match.report.advice(), match.report.to_string())});
  }
  return {read_values(parameters, match.sources, match.file), std::move(match.report)};
}

}  // namespace zoo::weights
