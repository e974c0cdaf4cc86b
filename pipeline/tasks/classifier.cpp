#include "pipeline/tasks/classifier.h"

#include <span>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/stopwatch.h"

namespace zoo::pipeline {
namespace {

int64_t checked_top_k(int64_t top_k) {
  if (top_k < 1) throw Error(fmt::format("top_k: expected at least 1 guess per picture, found {}", top_k));
  return top_k;
}

}  // namespace

Classifier::Classifier(std::shared_ptr<const models::Model> model, const ClassifierOptions& options)
    : network_(std::move(model), Task::kClassification, {"logits"}, options.network),
      top_k_(checked_top_k(options.top_k)),
      score_thresh_(options.score_thresh),
      certainty_(options.certainty) {}

Classifier::Classifier(models::Model model, const ClassifierOptions& options)
    : Classifier(std::make_shared<const models::Model>(std::move(model)), options) {}

Classification Classifier::classify(const cv::Mat& frame, int64_t top_k) {
  checked_top_k(top_k);
  const std::vector<std::string>& labels = model().config().labels;
  const models::AnswerConfig& answers = model().config().answers;
  Classification result;
  result.smoothing = answers.smoothing;
  result.multi_label = answers.multi_label.has_value();
  const NetworkRunner::Pass pass = network_.run(frame, result.times);
  Stopwatch watch;
  const std::span<const float> logits = pass.runner.output(0);
  result.top = answers.multi_label ? classes_from(answers.multi_label->thresholds, logits, labels)
                                   : top_classes(logits, labels, top_k);
  std::erase_if(result.top, [this](const ClassScore& guess) { return guess.score < score_thresh_; });
  if (certainty_ || answers.unknown) result.certainty = certainty_of(logits);
  if (answers.unknown) {
    result.known_score = result.certainty->of(answers.unknown->score);
    result.known = result.known_score >= answers.unknown->threshold;
  }
  result.times.infer_ms += watch.lap_ms();
  return result;
}

std::vector<double> Classifier::all_sigmoids(const cv::Mat& frame) {
  StageTimes times;
  const NetworkRunner::Pass pass = network_.run(frame, times);
  return sigmoids(pass.runner.output(0));
}

}  // namespace zoo::pipeline
