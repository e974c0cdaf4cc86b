#include "pipeline/tasks/detector.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "models/results.h"
#include "nn/core/error.h"
#include "nn/core/stopwatch.h"
#include "pipeline/preprocess/geometry.h"
#include "pipeline/tasks/runner_cache.h"

namespace zoo::pipeline {
namespace {

const heads::DetectionDecoding& decoding_of(const models::Model& model) {
  const models::ModelConfig& config = model.config();
  if (!config.detection) {
    throw Error(fmt::format("{}: the model's task is {}, expected {}", config.file.string(), models::task_name(config),
                            to_string(Task::kDetection)));
  }
  if (!config.detection->anchors) {
    throw Error(fmt::format("{}: the head {} has no anchors, so that its maps do not become boxes",
                            config.file.string(), config.head_name));
  }
  return *config.detection;
}

bool has_area(const heads::Box& box) { return box.x1 > box.x0 && box.y1 > box.y0; }

}  // namespace

Detector::Detector(const std::shared_ptr<const models::Model>& model, const DetectorOptions& options)
    : decoding_(decoding_of(*model)),
      network_(model, Task::kDetection, models::result_outputs(model->config()), options.network) {
  if (!options.score_thresh) return;
  const double score_thresh = *options.score_thresh;
  if (!(score_thresh >= 0.0 && score_thresh <= 1.0)) {
    throw Error(fmt::format("score_thresh: expected 0 to 1, found {}", score_thresh));
  }
  decoding_.postprocess.score_thresh = score_thresh;
}

Detector::Detector(models::Model model, const DetectorOptions& options)
    : Detector(std::make_shared<const models::Model>(std::move(model)), options) {}

FoundObjects Detector::detect(const cv::Mat& frame) {
  FoundObjects result;
  const NetworkRunner::Pass pass = network_.run(frame, result.times);
  Stopwatch watch;
  const FrameMapping mapping(pass.placed, frame.size());
  for (const heads::Detection& found : reader_for(pass.executable).read(pass.runner, 0)) {
    const heads::Box box = mapping.to_source(found.box);
    if (!has_area(box)) continue;
    result.boxes.push_back({found.label, label_of(model().config().labels, found.label), found.score, box});
  }
  result.times.infer_ms += watch.lap_ms();
  return result;
}

const models::DetectionReader& Detector::reader_for(const std::shared_ptr<const engine::Executable>& executable) {
  const auto found = std::ranges::find(readers_, executable, &models::DetectionReader::executable);
  if (found != readers_.end()) {
    readers_.splice(readers_.begin(), readers_, found);
    return readers_.front();
  }
  readers_.emplace_front(decoding_, executable);
  if (readers_.size() > RunnerCache::kMaxEntries) readers_.pop_back();
  return readers_.front();
}

}  // namespace zoo::pipeline
