#include "pipeline/eval/agreement.h"

#include <algorithm>
#include <vector>

namespace zoo::eval {
namespace {

constexpr double kSameBox = 0.5;

std::vector<CocoFound> sure_ones(std::span<const CocoFound> founds) {
  std::vector<CocoFound> sure(founds.begin(), founds.end());
  std::erase_if(sure, [](const CocoFound& found) { return found.score < kAgreementScore; });
  std::ranges::stable_sort(sure, std::ranges::greater(), &CocoFound::score);
  return sure;
}

}  // namespace

void Agreement::add(const Agreement& other) {
  same += other.same;
  total += other.total;
}

std::optional<double> Agreement::share() const {
  if (total == 0) return std::nullopt;
  return static_cast<double>(same) / static_cast<double>(total);
}

Agreement compare_boxes(std::span<const CocoFound> founds, std::span<const CocoFound> others) {
  const std::vector<CocoFound> sure = sure_ones(founds);
  const std::vector<CocoFound> other_sure = sure_ones(others);
  if (sure.size() < other_sure.size()) return compare_boxes(others, founds);
  Agreement agreement{0, static_cast<int64_t>(sure.size())};
  // A box that is sure in one run may be just unsure in the other: it still counts as found there.
  std::vector<CocoFound> left(others.begin(), others.end());
  for (const CocoFound& found : sure) {
    auto best = left.end();
    double overlap = kSameBox;
    for (auto other = left.begin(); other != left.end(); ++other) {
      if (other->class_index != found.class_index) continue;
      const double shared = box_overlap(other->box, found.box, false);
      if (shared < overlap) continue;
      overlap = shared;
      best = other;
    }
    if (best == left.end()) continue;
    ++agreement.same;
    left.erase(best);
  }
  return agreement;
}

Agreement compare_labels(std::span<const uint8_t> labels, std::span<const uint8_t> others) {
  Agreement agreement{0, static_cast<int64_t>(labels.size())};
  for (size_t i = 0; i < labels.size(); ++i) agreement.same += labels[i] == others[i] ? 1 : 0;
  return agreement;
}

}  // namespace zoo::eval
