#include "pipeline/tasks/task_result.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/task.h"
#include "pipeline/tasks/draw.h"

namespace zoo::pipeline {
namespace {

void draw(cv::Mat& image, const Classification& result) { draw_classification(image, result); }
void draw(cv::Mat& image, const FoundObjects& result) { draw_boxes(image, result.boxes); }
void draw(cv::Mat& image, const Segmentation& result) { draw_mask(image, result); }

}  // namespace

const StageTimes& times_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) -> const StageTimes& { return of_task.times; }, result);
}

std::function<TaskResult(const cv::Mat&)> make_predictor(std::shared_ptr<const models::Model> model,
                                                         const PredictorOptions& options) {
  const std::optional<Task> task = model->config().task;
  if (!task) throw Error(fmt::format("{}: a backbone alone has no results", model->config().file.string()));
  switch (*task) {
    case Task::kClassification: {
      auto classifier = std::make_shared<Classifier>(
          std::move(model),
          ClassifierOptions{
              .top_k = options.top_k, .score_thresh = options.score_thresh.value_or(0.0), .network = options.network});
      return [classifier](const cv::Mat& frame) { return classifier->classify(frame); };
    }
    case Task::kDetection: {
      auto detector = std::make_shared<Detector>(
          std::move(model), DetectorOptions{.score_thresh = options.score_thresh, .network = options.network});
      return [detector](const cv::Mat& frame) { return detector->detect(frame); };
    }
    case Task::kSegmentation: {
      auto segmenter = std::make_shared<Segmenter>(std::move(model), SegmenterOptions{.network = options.network});
      return [segmenter](const cv::Mat& frame) { return segmenter->segment(frame); };
    }
  }
  throw Error("no such task");
}

void draw_result(cv::Mat& image, const TaskResult& result) {
  std::visit([&](const auto& of_task) { draw(image, of_task); }, result);
}

}  // namespace zoo::pipeline
