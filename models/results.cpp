#include "models/results.h"

#include <algorithm>
#include <span>

namespace zoo::models {
namespace {

constexpr int64_t kBoxColumns = 4;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Columns of a raw map's rows; 0 for other outputs.
int64_t columns_of(const ModelConfig& config, const std::string& name) {
  if (!config.detection) return 0;
  if (contains(config.detection->class_outputs, name)) return config.detection->classes;
  return contains(config.detection->box_outputs, name) ? kBoxColumns : 0;
}

Tensor to_rows(const Shape& shape, std::span<const float> maps, int64_t columns) {
  Tensor rows{{shape[0], shape[1] * shape[2] * shape[3] / columns, columns}, std::vector<float>(maps.size())};
  const size_t image = maps.size() / static_cast<size_t>(shape[0]);
  for (size_t first = 0; first < maps.size(); first += image) {
    heads::rows_from_map(maps.subspan(first, image), {shape[2], shape[3]}, columns,
                         std::span(rows.data).subspan(first, image));
  }
  return rows;
}

// Sizes of the levels' maps; empty if one of them was not computed.
std::vector<graph::Size2d> map_sizes(const heads::DetectionDecoding& decoding, const engine::Executable& executable) {
  std::vector<graph::Size2d> sizes;
  for (const std::string& name : decoding.class_outputs) {
    const auto& outputs = executable.outputs();
    const auto output = std::find_if(outputs.begin(), outputs.end(),
                                     [&](const engine::IoInfo& candidate) { return candidate.name == name; });
    if (output == outputs.end()) return {};
    sizes.push_back({output->shape[2], output->shape[3]});
  }
  return sizes;
}

Tensor to_tensor(const std::vector<heads::Box>& boxes) {
  Tensor tensor{{static_cast<int64_t>(boxes.size()), kBoxColumns}, {}};
  for (const heads::Box& box : boxes) tensor.data.insert(tensor.data.end(), {box.x0, box.y0, box.x1, box.y1});
  return tensor;
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> collect_results(const ModelConfig& config,
                                                            const engine::Executable& executable,
                                                            const engine::Runner& runner) {
  std::vector<std::pair<std::string, Tensor>> results;
  for (size_t i = 0; i < executable.outputs().size(); ++i) {
    const engine::IoInfo& info = executable.outputs()[i];
    const std::span<const float> values = runner.output(i);
    const int64_t columns = columns_of(config, info.name);
    results.emplace_back(info.name, columns > 0 ? to_rows(info.shape, values, columns)
                                                : Tensor{info.shape, {values.begin(), values.end()}});
  }
  if (!config.detection || !config.detection->anchors) return results;
  const std::vector<graph::Size2d> sizes = map_sizes(*config.detection, executable);
  if (sizes.empty()) return results;
  const Shape& input = executable.input_shape();
  results.emplace_back("anchors", to_tensor(config.detection->anchors(sizes, {input[2], input[3]})));
  return results;
}

}  // namespace zoo::models
