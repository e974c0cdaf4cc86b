#include "models/results.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "models/detections.h"

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

// Whether anchors and detections can be had.
bool detects(const heads::DetectionDecoding& decoding, const engine::Executable& executable) {
  const auto computed = [&](const std::string& name) {
    return std::ranges::find(executable.outputs(), name, &engine::IoInfo::name) != executable.outputs().end();
  };
  return decoding.anchors && !decoding.class_outputs.empty() && std::ranges::all_of(decoding.class_outputs, computed) &&
         std::ranges::all_of(decoding.box_outputs, computed);
}

Tensor to_tensor(std::span<const heads::Box> boxes) {
  Tensor tensor{{static_cast<int64_t>(boxes.size()), kBoxColumns}, {}};
  for (const heads::Box& box : boxes) tensor.data.insert(tensor.data.end(), {box.x0, box.y0, box.x1, box.y1});
  return tensor;
}

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// The rows of all levels one after the other, picture by picture.
Tensor join_rows(const std::vector<Tensor>& levels) {
  const int64_t images = levels.front().shape[0];
  Tensor joined{{images, 0, levels.front().shape[2]}, {}};
  for (const Tensor& level : levels) joined.shape.dims[1] += level.shape[1];
  for (int64_t image = 0; image < images; ++image) {
    for (const Tensor& level : levels) {
      const size_t length = level.data.size() / static_cast<size_t>(images);
      const std::span<const float> rows = std::span(level.data).subspan(static_cast<size_t>(image) * length, length);
      joined.data.insert(joined.data.end(), rows.begin(), rows.end());
    }
  }
  return joined;
}

// Puts one tensor in place of those of the levels, if all of them are there.
void join_levels(NamedTensors& results, const std::vector<std::string>& levels, const std::string& name) {
  std::vector<Tensor> rows;
  for (const auto& [level, tensor] : results) {
    if (contains(levels, level)) rows.push_back(tensor);
  }
  if (rows.size() != levels.size()) return;
  std::erase_if(results, [&](const auto& result) { return contains(levels, result.first); });
  results.emplace_back(name, join_rows(rows));
}

void add_detections(const DetectionReader& reader, const engine::Runner& runner, NamedTensors& results) {
  for (int64_t image = 0; image < reader.executable()->input_shape()[0]; ++image) {
    std::vector<heads::Box> boxes;
    Tensor scores;
    Tensor labels;
    for (const heads::Detection& found : reader.read(runner, image)) {
      boxes.push_back(found.box);
      scores.data.push_back(found.score);
      labels.data.push_back(static_cast<float>(found.label));
    }
    scores.shape = labels.shape = {static_cast<int64_t>(boxes.size())};
    results.emplace_back(fmt::format("det.{}.boxes", image), to_tensor(boxes));
    results.emplace_back(fmt::format("det.{}.scores", image), std::move(scores));
    results.emplace_back(fmt::format("det.{}.labels", image), std::move(labels));
  }
}

}  // namespace

std::vector<std::string> result_outputs(const ModelConfig& config) {
  if (!config.task) return {};
  if (!config.detection) return {"logits"};
  std::vector<std::string> names = config.detection->class_outputs;
  names.insert(names.end(), config.detection->box_outputs.begin(), config.detection->box_outputs.end());
  return names;
}

std::vector<std::pair<std::string, Tensor>> collect_results(const ModelConfig& config,
                                                            const engine::Executable& executable,
                                                            const engine::Runner& runner) {
  NamedTensors results;
  for (size_t i = 0; i < executable.outputs().size(); ++i) {
    const engine::IoInfo& info = executable.outputs()[i];
    const std::span<const float> values = runner.output(i);
    const int64_t columns = columns_of(config, info.name);
    results.emplace_back(info.name, columns > 0 ? to_rows(info.shape, values, columns)
                                                : Tensor{info.shape, {values.begin(), values.end()}});
  }
  if (!config.detection) return results;
  if (config.detection->joins_levels) {
    join_levels(results, config.detection->class_outputs, "cls_logits");
    join_levels(results, config.detection->box_outputs, "bbox_regression");
  }
  if (!detects(*config.detection, executable)) return results;
  const DetectionReader reader(*config.detection, executable.shared_from_this());
  results.emplace_back("anchors", to_tensor(reader.anchors()));
  add_detections(reader, runner, results);
  return results;
}

}  // namespace zoo::models
