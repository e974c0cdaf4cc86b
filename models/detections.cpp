#include "models/detections.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::models {
namespace {

size_t index_of(const engine::Executable& executable, const std::string& name) {
  const auto& outputs = executable.outputs();
  const auto found = std::ranges::find(outputs, name, &engine::IoInfo::name);
  if (found == outputs.end()) throw Error(fmt::format("detection: the network does not compute \"{}\"", name));
  return static_cast<size_t>(found - outputs.begin());
}

graph::Size2d input_size(const engine::Executable& executable) {
  return {executable.input_shape()[2], executable.input_shape()[3]};
}

}  // namespace

DetectionReader::DetectionReader(heads::DetectionDecoding decoding,
                                 std::shared_ptr<const engine::Executable> executable)
    : decoding_(std::move(decoding)), executable_(std::move(executable)) {
  if (!decoding_.anchors) throw Error("detection: the head has no anchors, so that its maps do not become boxes");
  std::vector<graph::Size2d> maps;
  for (size_t i = 0; i < decoding_.class_outputs.size(); ++i) {
    const size_t scores = index_of(*executable_, decoding_.class_outputs[i]);
    const Shape& shape = executable_->outputs()[scores].shape;
    maps.push_back({shape[2], shape[3]});
    levels_.push_back({scores, index_of(*executable_, decoding_.box_outputs[i]), maps.back()});
  }
  anchors_ = decoding_.anchors(maps, input_size(*executable_));
}

std::vector<heads::Detection> DetectionReader::read(const engine::Runner& runner, int64_t image) const {
  const auto values = [&](size_t output) {
    const Shape& shape = executable_->outputs()[output].shape;
    const auto count = static_cast<size_t>(shape[1] * shape[2] * shape[3]);
    return runner.output(output).subspan(static_cast<size_t>(image) * count, count);
  };
  std::vector<heads::LevelMaps> maps;
  for (const Level& level : levels_) maps.push_back({values(level.scores), values(level.offsets), level.size});
  return heads::decode_detections(decoding_, anchors_, maps, input_size(*executable_));
}

}  // namespace zoo::models
