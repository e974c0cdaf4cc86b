#include "pipeline/tasks/segmenter.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "heads/segmentation.h"
#include "nn/core/error.h"
#include "nn/core/stopwatch.h"
#include "pipeline/preprocess/geometry.h"

namespace zoo::pipeline {

std::vector<ClassShare> class_shares(const cv::Mat& labels, const std::vector<std::string>& names) {
  std::array<int64_t, 256> pixels{};
  for (int y = 0; y < labels.rows; ++y) {
    const uint8_t* row = labels.ptr(y);
    for (int x = 0; x < labels.cols; ++x) ++pixels[row[x]];
  }
  std::vector<ClassShare> shares;
  for (int64_t index = 0; index < heads::kVoidLabel; ++index) {
    const int64_t count = pixels[static_cast<size_t>(index)];
    if (count == 0) continue;
    shares.push_back({index, label_of(names, index), static_cast<double>(count) / static_cast<double>(labels.total())});
  }
  std::ranges::stable_sort(shares, std::ranges::greater{}, &ClassShare::share);
  return shares;
}

Segmenter::Segmenter(std::shared_ptr<const models::Model> model, const SegmenterOptions& options)
    : network_(std::move(model), Task::kSegmentation, {"logits"}, options.network) {
  const models::ModelConfig& config = this->model().config();
  if (config.num_classes > heads::kMaxMapClasses) {
    throw Error(fmt::format("{}: {} classes, but a label map tells at most {} apart", config.file.string(),
                            config.num_classes, heads::kMaxMapClasses));
  }
}

Segmenter::Segmenter(models::Model model, const SegmenterOptions& options)
    : Segmenter(std::make_shared<const models::Model>(std::move(model)), options) {}

Segmentation Segmenter::segment(const cv::Mat& frame) {
  Segmentation result;
  const NetworkRunner::Pass pass = network_.run(frame, result.times);
  Stopwatch watch;
  const Shape& shape = pass.executable->outputs().front().shape;
  const FrameMapping mapping(pass.placed, frame.size());
  result.labels.create(frame.size(), CV_8UC1);
  heads::label_map(pass.runner.output(0), shape[1], {shape[2], shape[3]}, mapping.rows(shape[2]),
                   mapping.columns(shape[3]), {result.labels.data, result.labels.total()});
  result.classes = class_shares(result.labels, model().config().labels);
  result.times.infer_ms += watch.lap_ms();
  return result;
}

}  // namespace zoo::pipeline
