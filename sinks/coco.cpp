#include "sinks/coco.h"

#include <variant>

#include <nlohmann/json.hpp>

#include "pipeline/tasks/rle.h"

namespace zoo::sinks {
namespace {

using Json = nlohmann::ordered_json;

std::vector<Json> entries_of(const pipeline::Classification& /*result*/, const std::vector<std::string>& /*counts*/) {
  return {};
}

std::vector<Json> entries_of(const pipeline::FoundObjects& result, const std::vector<std::string>& /*counts*/) {
  std::vector<Json> entries;
  for (const pipeline::FoundObject& object : result.boxes) {
    const heads::Box& box = object.box;
    entries.push_back({{"category_id", object.index},
                       {"bbox", {box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0}},
                       {"score", object.score}});
  }
  return entries;
}

std::vector<Json> entries_of(const pipeline::Segmentation& result, const std::vector<std::string>& known) {
  std::vector<Json> entries;
  const std::vector<std::string> counts = known.empty() ? pipeline::mask_counts(result) : known;
  for (size_t i = 0; i < result.classes.size(); ++i) {
    const Json size = {result.labels.rows, result.labels.cols};
    entries.push_back(
        {{"category_id", result.classes[i].index}, {"segmentation", {{"size", size}, {"counts", counts[i]}}}});
  }
  return entries;
}

}  // namespace

std::vector<std::string> coco_entries(const pipeline::ProcessedFrame& item, int64_t image_id) {
  std::vector<std::string> lines;
  for (const Json& entry :
       std::visit([&](const auto& result) { return entries_of(result, item.mask_counts); }, item.result)) {
    Json line = {{"image_id", image_id}, {"file_name", item.frame.source}};
    line.update(entry);
    lines.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return lines;
}

}  // namespace zoo::sinks
