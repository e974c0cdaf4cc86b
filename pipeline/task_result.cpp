#include "pipeline/task_result.h"

#include <utility>

#include "pipeline/draw.h"

namespace zoo::pipeline {
namespace {

void draw(cv::Mat& image, const Classification& result) { draw_classes(image, result.top); }
void draw(cv::Mat& image, const FoundObjects& result) { draw_boxes(image, result.boxes); }
void draw(cv::Mat& image, const Segmentation& result) { draw_mask(image, result); }

}  // namespace

const StageTimes& times_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) -> const StageTimes& { return of_task.times; }, result);
}

std::function<TaskResult(const cv::Mat&)> make_predictor(std::shared_ptr<const models::Model> model,
                                                         const PredictorOptions& options) {
  const std::string& task = model->config().task;
  if (task == "detection") {
    auto detector = std::make_shared<Detector>(
        std::move(model), DetectorOptions{.score_thresh = options.score_thresh, .network = options.network});
    return [detector](const cv::Mat& frame) { return detector->detect(frame); };
  }
  if (task == "segmentation") {
    auto segmenter = std::make_shared<Segmenter>(std::move(model), SegmenterOptions{.network = options.network});
    return [segmenter](const cv::Mat& frame) { return segmenter->segment(frame); };
  }
  auto classifier = std::make_shared<Classifier>(std::move(model),
                                                 ClassifierOptions{.top_k = options.top_k, .network = options.network});
  return [classifier](const cv::Mat& frame) { return classifier->classify(frame); };
}

void draw_result(cv::Mat& image, const TaskResult& result) {
  std::visit([&](const auto& of_task) { draw(image, of_task); }, result);
}

}  // namespace zoo::pipeline
