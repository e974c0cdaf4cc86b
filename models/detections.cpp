#include "models/detections.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::models {
namespace {

struct Map {
  std::span<const float> values;
  graph::Size2d size;
};

Map map_of(const engine::Executable& executable, const engine::Runner& runner, const std::string& name, int64_t image) {
  const auto& outputs = executable.outputs();
  const auto found = std::ranges::find(outputs, name, &engine::IoInfo::name);
  if (found == outputs.end()) throw Error(fmt::format("detection: the network does not compute \"{}\"", name));
  const Shape& shape = found->shape;
  const auto values = static_cast<size_t>(shape[1] * shape[2] * shape[3]);
  const std::span<const float> all = runner.output(static_cast<size_t>(found - outputs.begin()));
  return {all.subspan(static_cast<size_t>(image) * values, values), {shape[2], shape[3]}};
}

}  // namespace

std::vector<heads::Detection> detections_of(const heads::DetectionDecoding& decoding,
                                            const engine::Executable& executable, const engine::Runner& runner,
                                            int64_t image) {
  std::vector<heads::LevelMaps> levels;
  for (size_t i = 0; i < decoding.class_outputs.size(); ++i) {
    const Map scores = map_of(executable, runner, decoding.class_outputs[i], image);
    const Map offsets = map_of(executable, runner, decoding.box_outputs[i], image);
    levels.push_back({scores.values, offsets.values, scores.size});
  }
  const Shape& input = executable.input_shape();
  return heads::decode_detections(decoding, levels, {input[2], input[3]});
}

}  // namespace zoo::models
