#include "pipeline/eval/top_k_metric.h"

#include <algorithm>

namespace zoo::eval {
namespace {

std::optional<double> share(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

TopKCount& operator+=(TopKCount& sum, const TopKCount& count) {
  sum.pictures += count.pictures;
  sum.top1 += count.top1;
  sum.top5 += count.top5;
  return sum;
}

}  // namespace

std::optional<double> TopKCount::top1_share() const { return share(top1, pictures); }

std::optional<double> TopKCount::top5_share() const { return share(top5, pictures); }

TopKMetric::TopKMetric(int64_t classes) : classes_(static_cast<size_t>(classes)), confusion_(classes) {}

void TopKMetric::add(int64_t truth, std::span<const int64_t> guesses, const pipeline::Certainty& certainty) {
  certainties_.push_back(certainty);
  const auto best = guesses.first(std::min(guesses.size(), static_cast<size_t>(kTopGuesses)));
  const bool first = !best.empty() && best.front() == truth;
  const bool any = std::ranges::find(best, truth) != best.end();
  classes_[static_cast<size_t>(truth)] += {1, first ? 1 : 0, any ? 1 : 0};
  confusion_.add(truth, best.empty() ? confusion_.nothing() : best.front());
}

void TopKMetric::merge(const TopKMetric& other) {
  for (size_t i = 0; i < classes_.size(); ++i) classes_[i] += other.classes_[i];
  confusion_.merge(other.confusion_);
  certainties_.insert(certainties_.end(), other.certainties_.begin(), other.certainties_.end());
}

TopKSummary TopKMetric::summary() const {
  TopKSummary summary;
  summary.classes = classes_;
  summary.confusion = confusion_;
  summary.certainties = certainties_;
  double sum = 0.0;
  int64_t present = 0;
  for (const TopKCount& count : classes_) {
    summary.all += count;
    if (count.pictures == 0) continue;
    sum += *count.top1_share();
    ++present;
  }
  if (present > 0) summary.class_mean = sum / static_cast<double>(present);
  return summary;
}

}  // namespace zoo::eval
