#include "pipeline/eval/confusion_matrix.h"

#include <cstddef>

namespace zoo::eval {

void ConfusionMatrix::add(int64_t truth, int64_t found, int64_t count) {
  if (count != 0) counts_[{truth, found}] += count;
}

void ConfusionMatrix::merge(const ConfusionMatrix& other) {
  for (const auto& [pair, count] : other.counts_) counts_[pair] += count;
}

int64_t ConfusionMatrix::at(int64_t truth, int64_t found) const {
  const auto place = counts_.find({truth, found});
  return place == counts_.end() ? 0 : place->second;
}

std::vector<int64_t> ConfusionMatrix::truths() const {
  std::vector<int64_t> sums(static_cast<size_t>(classes_));
  for (const auto& [pair, count] : counts_) sums[static_cast<size_t>(pair.first)] += count;
  return sums;
}

std::vector<int64_t> ConfusionMatrix::founds() const {
  std::vector<int64_t> sums(static_cast<size_t>(classes_));
  for (const auto& [pair, count] : counts_) {
    if (pair.second != nothing()) sums[static_cast<size_t>(pair.second)] += count;
  }
  return sums;
}

}  // namespace zoo::eval
