#include "sinks/coco.h"

#include <variant>

#include <nlohmann/json.hpp>

#include "pipeline/tasks/rle.h"

namespace zoo::sinks {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> entries_of(const pipeline::Classification& /*result*/) { return {}; }

std::vector<Json> entries_of(const pipeline::FoundObjects& result) {
  std::vector<Json> entries;
  for (const pipeline::FoundObject& object : result.boxes) {
    const heads::Box& box = object.box;
    entries.push_back({{"category_id", object.index},
                       {"bbox", {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0}},
                       {"score", object.score}});
  }
  return entries;
}

std::vector<Json> entries_of(const pipeline::Segmentation& result) {
  std::vector<Json> entries;
  for (const pipeline::ClassShare& present : result.classes) {
    const std::vector<int64_t> runs = pipeline::runs_of(result.labels, static_cast<uint8_t>(present.index));
    const Json size = {result.labels.rows, result.labels.cols};
    entries.push_back({{"category_id", present.index},
                       {"segmentation", {{"size", size}, {"counts", pipeline::compress_runs(runs)}}}});
  }
  return entries;
}

}  // namespace

std::vector<std::string> coco_entries(const pipeline::ProcessedFrame& item, int64_t image_id) {
  std::vector<std::string> lines;
  for (const Json& entry : std::visit([](const auto& result) { return entries_of(result); }, item.result)) {
    Json line = {{"image_id", image_id}, {"file_name", item.frame.source}};
    line.update(entry);
    lines.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return lines;
}

}  // namespace zoo::sinks
