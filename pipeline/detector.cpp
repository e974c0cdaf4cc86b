#include "pipeline/detector.h"

#include <utility>

#include <fmt/format.h>

#include "models/detections.h"
#include "nn/core/error.h"
#include "pipeline/geometry.h"
#include "pipeline/stopwatch.h"

namespace zoo::pipeline {
namespace {

const heads::DetectionDecoding& decoding_of(const models::Model& model) {
  const models::ModelConfig& config = model.config();
  if (!config.detection) {
    throw Error(fmt::format("{}: the model's task is {}, expected detection", config.file.string(), config.task));
  }
  return *config.detection;
}

std::vector<std::string> raw_outputs(const heads::DetectionDecoding& decoding) {
  std::vector<std::string> names = decoding.class_outputs;
  names.insert(names.end(), decoding.box_outputs.begin(), decoding.box_outputs.end());
  return names;
}

bool has_area(const heads::Box& box) { return box.x1 > box.x0 && box.y1 > box.y0; }

}  // namespace

Detector::Detector(const std::shared_ptr<const models::Model>& model, const DetectorOptions& options)
    : network_(model, "detection", raw_outputs(decoding_of(*model)), options.network), decoding_(decoding_of(*model)) {
  if (options.score_thresh) decoding_.postprocess.score_thresh = *options.score_thresh;
}

Detector::Detector(models::Model model, const DetectorOptions& options)
    : Detector(std::make_shared<const models::Model>(std::move(model)), options) {}

FoundObjects Detector::detect(const cv::Mat& frame) {
  FoundObjects result;
  const NetworkRunner::Pass pass = network_.run(frame, result.times);
  Stopwatch watch;
  const FrameMapping mapping(pass.placed, frame.size());
  for (const heads::Detection& found : models::detections_of(decoding_, pass.executable, pass.runner, 0)) {
    const heads::Box box = mapping.to_source(found.box);
    if (!has_area(box)) continue;
    result.boxes.push_back({found.label, label_of(model().config().labels, found.label), found.score, box});
  }
  result.times.infer_ms += watch.lap_ms();
  return result;
}

}  // namespace zoo::pipeline
