// What a picture becomes, whatever the model's task.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include <opencv2/core/mat.hpp>

#include "pipeline/tasks/classifier.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo::pipeline {

using TaskResult = std::variant<Classification, FoundObjects, Segmentation>;

const StageTimes& times_of(const TaskResult& result);

/// Options of all tasks; each takes what it knows.
struct PredictorOptions {
  int64_t top_k = 5;                                  ///< ClassifierOptions
  std::optional<double> score_thresh = std::nullopt;  ///< ClassifierOptions, DetectorOptions
  NetworkOptions network = {};
};

/// One picture after the other through the predictor of the model's task (Classifier, Detector, Segmenter), which the
/// function owns; one thread at a time. Throws as their constructors do, the function as their methods.
std::function<TaskResult(const cv::Mat&)> make_predictor(std::shared_ptr<const models::Model> model,
                                                         const PredictorOptions& options);

/// Draws a result onto its picture (8-bit BGR, changed in place), see draw.h.
void draw_result(cv::Mat& image, const TaskResult& result);

}  // namespace zoo::pipeline
