#include "pipeline/tasks/class_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/core/error.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::pipeline {
namespace {

void check_finite(std::span<const float> logits) {
  for (const float logit : logits) {
    if (!std::isfinite(logit))
      throw EngineError(
          "the network's class scores are not finite numbers; do the weights (`backbone-zoo validate`) and the "
          "preprocessing belong to it?");
  }
}

/// softmax = exp(logit - highest) / sum.
struct Softmax {
  double highest = -HUGE_VAL;
  double sum = 0.0;

  explicit Softmax(std::span<const float> logits) {
    for (const float logit : logits) highest = std::max(highest, static_cast<double>(logit));
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  }
  double of(double logit) const { return std::exp(logit - highest) / sum; }
};

double sigmoid(double logit) {
  const double part = std::exp(-std::abs(logit));  // never overflows
  return logit >= 0.0 ? 1.0 / (1.0 + part) : part / (1.0 + part);
}

ClassScore guess(size_t index, double score, std::span<const float> logits, const std::vector<std::string>& labels) {
  const auto number = static_cast<int64_t>(index);
  return {.index = number, .label = label_of(labels, number), .score = score, .logit = logits[index]};
}

}  // namespace

double Certainty::of(models::CertaintyScore score) const {
  switch (score) {
    case models::CertaintyScore::kMaxProbability:
      return max_probability;
    case models::CertaintyScore::kMargin:
      return margin;
    case models::CertaintyScore::kEnergy:
      break;
  }
  return energy;
}

Certainty certainty_of(std::span<const float> logits) {
  check_finite(logits);
  const Softmax softmax(logits);
  double second = -HUGE_VAL;
  bool seen_highest = false;
  for (const float logit : logits) {
    if (!seen_highest && logit == softmax.highest) {
      seen_highest = true;
    } else {
      second = std::max(second, static_cast<double>(logit));
    }
  }
  const double best = softmax.of(softmax.highest);
  return {
      .max_probability = best, .margin = best - softmax.of(second), .energy = softmax.highest + std::log(softmax.sum)};
}

std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count) {
  check_finite(logits);
  const Softmax softmax(logits);
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t kept = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  std::vector<ClassScore> top;
  top.reserve(kept);
  for (size_t i = 0; i < kept; ++i) top.push_back(guess(order[i], softmax.of(logits[order[i]]), logits, labels));
  return top;
}

std::vector<ClassScore> classes_from(std::span<const double> thresholds, std::span<const float> logits,
                                     const std::vector<std::string>& labels) {
  check_finite(logits);
  std::vector<ClassScore> reached;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double score = sigmoid(logits[i]);
    if (score >= thresholds[i]) reached.push_back(guess(i, score, logits, labels));
  }
  std::ranges::stable_sort(reached, std::ranges::greater(), &ClassScore::logit);
  return reached;
}

std::vector<double> sigmoids(std::span<const float> logits) {
  check_finite(logits);
  std::vector<double> scores;
  scores.reserve(logits.size());
  for (const float logit : logits) scores.push_back(sigmoid(logit));
  return scores;
}

}  // namespace zoo::pipeline
