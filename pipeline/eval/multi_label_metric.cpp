#include "pipeline/eval/multi_label_metric.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace zoo::eval {
namespace {

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

LabelCount& operator+=(LabelCount& sum, const LabelCount& count) {
  sum.truth += count.truth;
  sum.found += count.found;
  sum.both += count.both;
  return sum;
}

/// The mean of those that have a value.
class Mean {
 public:
  void add(const std::optional<double>& value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  std::optional<double> value() const {
    if (count_ == 0) return std::nullopt;
    return sum_ / static_cast<double>(count_);
  }

 private:
  double sum_ = 0.0;
  int64_t count_ = 0;
};

}  // namespace

std::optional<double> LabelCount::precision() const { return ratio(both, found); }
std::optional<double> LabelCount::recall() const { return ratio(both, truth); }
std::optional<double> LabelCount::f1() const { return ratio(2 * both, truth + found); }

MultiLabelMetric::MultiLabelMetric(std::vector<double> thresholds)
    : thresholds_(std::move(thresholds)), counts_(thresholds_.size()) {}

void MultiLabelMetric::add(std::span<const double> scores, std::span<const int64_t> truth) {
  bool is_exact = true;
  for (size_t i = 0; i < thresholds_.size(); ++i) {
    const bool is_there = std::ranges::binary_search(truth, static_cast<int64_t>(i));
    const bool is_found = scores[i] >= thresholds_[i];
    counts_[i] += {is_there ? 1 : 0, is_found ? 1 : 0, is_there && is_found ? 1 : 0};
    is_exact = is_exact && is_there == is_found;
    scores_.push_back(static_cast<float>(scores[i]));
    truth_.push_back(is_there ? 1 : 0);
  }
  ++pictures_;
  exact_ += is_exact ? 1 : 0;
}

void MultiLabelMetric::merge(const MultiLabelMetric& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  pictures_ += other.pictures_;
  exact_ += other.exact_;
  scores_.insert(scores_.end(), other.scores_.begin(), other.scores_.end());
  truth_.insert(truth_.end(), other.truth_.begin(), other.truth_.end());
}

std::optional<double> MultiLabelMetric::average_precision(size_t index) const {
  if (counts_[index].truth == 0) return std::nullopt;
  std::vector<std::pair<float, uint8_t>> ranked;
  for (size_t i = index; i < scores_.size(); i += thresholds_.size()) ranked.emplace_back(scores_[i], truth_[i]);
  std::ranges::sort(ranked, std::ranges::greater());
  const auto all = static_cast<double>(counts_[index].truth);
  double sum = 0.0;
  int64_t right = 0;
  for (size_t i = 0; i < ranked.size();) {
    const float score = ranked[i].first;
    int64_t added = 0;
    for (; i < ranked.size() && ranked[i].first == score; ++i) added += ranked[i].second;
    right += added;
    sum += static_cast<double>(added) / all * static_cast<double>(right) / static_cast<double>(i);
  }
  return sum;
}

MultiLabelSummary MultiLabelMetric::summary() const {
  MultiLabelSummary summary;
  summary.pictures = pictures_;
  summary.exact = ratio(exact_, pictures_);
  Mean ap;
  Mean f1;
  LabelCount all;
  for (size_t i = 0; i < counts_.size(); ++i) {
    summary.classes.push_back({counts_[i], average_precision(i)});
    ap.add(summary.classes.back().ap);
    if (counts_[i].truth > 0) f1.add(counts_[i].f1());
    all += counts_[i];
  }
  summary.map = ap.value();
  summary.macro_f1 = f1.value();
  summary.micro_f1 = all.f1();
  return summary;
}

}  // namespace zoo::eval
