#include "nn/engine/plan/quantization.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_map>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine {
namespace {

constexpr float kLevels = 255.0F;

/// A value that was always zero, or so near to it that the inverse of its step would be no float, may have any step.
float step_of(float low, float high) {
  const float step = (high - low) / kLevels;
  return step >= std::numeric_limits<float>::min() ? step : 1.0F;
}

void check_range(std::string_view value, float low, float high) {
  if (std::isfinite(low) && std::isfinite(high) && low <= 0.0F && high >= 0.0F) return;
  throw GraphError(
      fmt::format("value \"{}\": the calibration's range must be of finite numbers and enclose 0, found {} to {}",
                  value, low, high));
}

Quantization of_image(const Calibration& calibration) {
  Quantization image;
  image.uniform = false;
  for (size_t c = 0; c < calibration.input_low.size(); ++c) {
    image.step.push_back(step_of(calibration.input_low[c], calibration.input_high[c]));
    image.inverse_step.push_back(1.0F / image.step.back());
    image.zero.push_back(-calibration.input_low[c] / image.step.back());
  }
  return image;
}

Quantization of_map(const ValueRange& range, int64_t channels) {
  const auto padded = static_cast<size_t>(kernels::int8_padded(channels));
  const float step = step_of(range.low, range.high);
  const float zero = std::clamp(std::nearbyint(-range.low / step), 0.0F, kLevels);
  return {std::vector<float>(padded, step), std::vector<float>(padded, 1.0F / step), std::vector<float>(padded, zero),
          true};
}

}  // namespace

QuantizationTable::QuantizationTable(const graph::Graph& graph, const std::vector<Shape>& shapes,
                                     const Calibration& calibration)
    : maps_(graph.nodes.size()) {
  if (calibration.input_low.size() != static_cast<size_t>(graph.in_channels()) ||
      calibration.input_high.size() != calibration.input_low.size()) {
    throw GraphError(fmt::format("the calibration is for an image of {} channels, the network reads {}",
                                 calibration.input_low.size(), graph.in_channels()));
  }
  for (size_t c = 0; c < calibration.input_low.size(); ++c) {
    check_range("image", calibration.input_low[c], calibration.input_high[c]);
  }
  std::unordered_map<std::string_view, const ValueRange*> ranges;
  for (const ValueRange& range : calibration.ranges) {
    check_range(range.value, range.low, range.high);
    ranges.emplace(range.value, &range);
  }
  maps_[0] = std::make_shared<const Quantization>(of_image(calibration));
  for (size_t i = 1; i < maps_.size(); ++i) {
    if (shapes[i].rank() != 4) continue;
    const std::string& value = graph.nodes[i].value_name();
    const auto found = ranges.find(value);
    if (found == ranges.end())
      throw GraphError(fmt::format("value \"{}\": the calibration has no range for it", value));
    maps_[i] = std::make_shared<const Quantization>(of_map(*found->second, shapes[i][1]));
  }
}

}  // namespace zoo::engine
