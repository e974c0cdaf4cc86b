#include "pipeline/tasks/classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/stopwatch.h"

namespace zoo::pipeline {

std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count) {
  double highest = -HUGE_VAL;
  for (const float logit : logits) {
    if (!std::isfinite(logit))
      throw EngineError(
          "the network's class scores are not finite numbers; do the weights (`backbone-zoo validate`) and the "
          "preprocessing belong to it?");
    highest = std::max(highest, static_cast<double>(logit));
  }
  double sum = 0.0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);

  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t kept = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });

  std::vector<ClassScore> top(kept);
  for (size_t i = 0; i < kept; ++i) {
    const size_t index = order[i];
    top[i].index = static_cast<int64_t>(index);
    top[i].label = label_of(labels, top[i].index);
    top[i].logit = logits[index];
    top[i].score = std::exp(static_cast<double>(logits[index]) - highest) / sum;
  }
  return top;
}

namespace {

int64_t checked_top_k(int64_t top_k) {
  if (top_k < 1) throw Error(fmt::format("top_k: expected at least 1 guess per picture, found {}", top_k));
  return top_k;
}

}  // namespace

Classifier::Classifier(std::shared_ptr<const models::Model> model, const ClassifierOptions& options)
    : network_(std::move(model), Task::kClassification, {"logits"}, options.network),
      top_k_(checked_top_k(options.top_k)),
      score_thresh_(options.score_thresh) {}

Classifier::Classifier(models::Model model, const ClassifierOptions& options)
    : Classifier(std::make_shared<const models::Model>(std::move(model)), options) {}

Classification Classifier::classify(const cv::Mat& frame, int64_t top_k) {
  checked_top_k(top_k);
  Classification result;
  const NetworkRunner::Pass pass = network_.run(frame, result.times);
  Stopwatch watch;
  result.top = top_classes(pass.runner.output(0), model().config().labels, top_k);
  std::erase_if(result.top, [this](const ClassScore& guess) { return guess.score < score_thresh_; });
  result.times.infer_ms += watch.lap_ms();
  return result;
}

}  // namespace zoo::pipeline
