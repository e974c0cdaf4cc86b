#include "models/export_onnx.h"

#include <algorithm>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "nn/core/files.h"
#include "nn/graph/onnx_export/onnx_export.h"

namespace zoo::models {
namespace {

using Json = nlohmann::ordered_json;

std::string_view color_name(ColorOrder color) {
  return color == ColorOrder::kRgb ? "rgb" : color == ColorOrder::kBgr ? "bgr" : "gray";
}

/// As a model file writes a size: one number, [H, W] or null.
Json size_json(const std::vector<int64_t>& size) {
  if (size.empty()) return nullptr;
  return size.size() == 1 ? Json(size.front()) : Json(size);
}

Json preprocess_json(const PreprocessConfig& config) {
  Json json = Json::object();
  if (config.letterbox) {
    const bool center = config.letterbox->position == Letterbox::Position::kCenter;
    json["letterbox"] = {{"size", config.letterbox->size},
                         {"fill", config.letterbox->fill},
                         {"position", center ? "center" : "top_left"}};
  } else {
    json["resize"] = size_json(config.resize);
    json["crop"] = size_json(config.crop);
  }
  json["interpolation"] = to_string(config.interpolation);
  json["mean"] = config.mean;
  json["std"] = config.std;
  json["color"] = color_name(config.color);
  return json;
}

std::vector<std::pair<std::string, std::string>> metadata_of(const ModelConfig& config) {
  std::vector<std::pair<std::string, std::string>> metadata = {{"model", config.name}};
  if (config.task) {
    metadata.emplace_back("task", to_string(*config.task));
    metadata.emplace_back("classes", std::to_string(config.num_classes));
  }
  metadata.emplace_back("preprocess", preprocess_json(config.preprocess).dump());
  // Labels may be in any encoding; ONNX's strings are UTF-8.
  if (!config.labels.empty()) {
    metadata.emplace_back("labels", Json(config.labels).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return metadata;
}

/// What the head hands out: runtimes compute what a file lists, so levels that nobody asks for would cost them time.
std::vector<std::string> head_outputs(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Output& output : graph.outputs) {
    if (!output.name.starts_with("feature.") && !output.name.starts_with("neck.")) names.push_back(output.name);
  }
  return names;
}

std::vector<onnx_export::ValueRange> ranges_of(const engine::Calibration& calibration) {
  // One scale for the whole image, as runtimes want it.
  std::vector<onnx_export::ValueRange> ranges = {
      {"input", std::ranges::min(calibration.input_low), std::ranges::max(calibration.input_high)}};
  for (const engine::ValueRange& range : calibration.ranges) ranges.push_back({range.value, range.low, range.high});
  return ranges;
}

}  // namespace

std::string to_onnx(const Model& model, const OnnxExport& options) {
  onnx_export::Options onnx;
  onnx.input = options.input;
  onnx.outputs = options.outputs.empty() ? head_outputs(model.network().graph) : options.outputs;
  onnx.model_name = model.config().name;
  onnx.producer_version = options.producer_version;
  onnx.metadata = metadata_of(model.config());
  if (options.int8) onnx.ranges = ranges_of(*model.calibration());
  return onnx_export::to_onnx(model.network(), onnx);
}

void write_onnx(const std::filesystem::path& file, const Model& model, const OnnxExport& options) {
  const std::string bytes = to_onnx(model, options);
  write_file(file, bytes);
}

}  // namespace zoo::models
