// Models that are functions, and pictures, for tests of queues.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/imgcodecs.hpp>

#include "pipeline/tasks/task_result.h"
#include "streams/model_slot.h"

namespace zoo::streams {

/// A PNG of a size.
inline std::string png(int width = 4, int height = 3) {
  std::vector<uint8_t> bytes;
  cv::imencode(".png", cv::Mat(height, width, CV_8UC3, cv::Scalar(1, 2, 3)), bytes);
  return {bytes.begin(), bytes.end()};
}

/// Says "w" and the picture's width.
inline pipeline::TaskResult width_of(const cv::Mat& picture) {
  pipeline::Classification result;
  result.top.push_back(
      {.index = picture.cols, .label = "w" + std::to_string(picture.cols), .score = 1.0F, .logit = 1.0F});
  return result;
}

inline std::shared_ptr<const ServedModel> served(std::function<pipeline::TaskResult(const cv::Mat&)> predict,
                                                 int64_t version = 1) {
  return std::make_shared<const ServedModel>(
      ServedModel{.version = version,
                  .name = "fake",
                  .model = nullptr,
                  .predict = [predict = std::move(predict)](const cv::Mat& picture, int) { return predict(picture); }});
}

inline std::shared_ptr<ModelSlot> slot_of(std::function<pipeline::TaskResult(const cv::Mat&)> predict = width_of) {
  return std::make_shared<ModelSlot>(served(std::move(predict)));
}

}  // namespace zoo::streams
