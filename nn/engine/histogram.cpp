#include "nn/engine/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace zoo::engine {
namespace {

constexpr int64_t kHalf = 2048;  ///< bins on either side of zero
constexpr double kLevels = 255.0;
/// Numbers below it fall into the bins beside zero: the width of narrower ones would be no normal float.
constexpr float kLeast = std::numeric_limits<float>::min() * kHalf;
/// Of all numbers, what a percentile range leaves out at either end.
constexpr double kTail = 1e-4;

}  // namespace

Histogram::Histogram() : counts_(static_cast<size_t>(2 * kHalf)) {}

void Histogram::add(std::span<const float> values) {
  for (const float value : values) {
    if (value == 0.0F) continue;
    if (!std::isfinite(value)) {
      has_failure_ = true;
      continue;
    }
    smallest_ = std::min(smallest_, value);
    largest_ = std::max(largest_, value);
    const float magnitude = std::abs(value);
    if (width_ == 0.0F) width_ = std::exp2(std::ceil(std::log2(std::max(magnitude, kLeast) / kHalf)));
    while (!(magnitude < width_ * kHalf)) widen();
    const auto bin = static_cast<int64_t>(std::floor(value / width_)) + kHalf;
    ++counts_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, 2 * kHalf - 1))];
  }
}

void Histogram::widen() {
  std::vector<int64_t> wider(counts_.size());
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin) {
    wider[static_cast<size_t>((bin + kHalf) / 2)] += counts_[static_cast<size_t>(bin)];
  }
  counts_ = std::move(wider);
  width_ *= 2.0F;
}

float Histogram::center(int64_t bin) const { return (static_cast<float>(bin - kHalf) + 0.5F) * width_; }

std::pair<float, float> Histogram::range(RangeMethod method) const {
  if (width_ == 0.0F) return {0.0F, 0.0F};
  switch (method) {
    case RangeMethod::kMinMax:
      break;
    case RangeMethod::kPercentile:
      return percentile();
    case RangeMethod::kMse:
      return least_error();
  }
  return {smallest_, largest_};
}

std::pair<float, float> Histogram::percentile() const {
  const int64_t total = std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
  const auto tail = static_cast<int64_t>(kTail * static_cast<double>(total));
  int64_t first = 0;
  for (int64_t below = counts_[0]; below <= tail && first < 2 * kHalf - 1;)
    below += counts_[static_cast<size_t>(++first)];
  int64_t last = 2 * kHalf - 1;
  for (int64_t above = counts_.back(); above <= tail && last > 0;) above += counts_[static_cast<size_t>(--last)];
  const float low = static_cast<float>(first - kHalf) * width_;
  const float high = static_cast<float>(last + 1 - kHalf) * width_;
  return {std::clamp(low, smallest_, 0.0F), std::clamp(high, 0.0F, largest_)};
}

/// Squared error of rounding to 256 steps and clamping, summed over all numbers.
double Histogram::error(float low, float high) const {
  const double step = (static_cast<double>(high) - low) / kLevels;
  const double rounding = step * step / 12.0;
  double sum = 0.0;
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin) {
    const int64_t count = counts_[static_cast<size_t>(bin)];
    if (count == 0) continue;
    const double x = center(bin);
    const double outside = std::max({0.0, x - high, low - x});
    sum += static_cast<double>(count) * std::max(outside * outside, rounding);
  }
  return sum;
}

std::pair<float, float> Histogram::least_error() const {
  constexpr int kCandidates = 100;
  constexpr int kRounds = 2;
  float low = smallest_;
  float high = largest_;
  // One end at a time: the other one changes the best choice only through the step.
  for (int round = 0; round < kRounds; ++round) {
    for (const bool upper : {true, false}) {
      const float full = upper ? largest_ : smallest_;
      float best = full;
      double least = HUGE_VAL;
      for (int i = kCandidates; i > 0; --i) {
        const float end = full * static_cast<float>(i) / kCandidates;
        const double sum = upper ? error(low, end) : error(end, high);
        if (sum < least) {
          least = sum;
          best = end;
        }
      }
      (upper ? high : low) = best;
    }
  }
  return {low, high};
}

}  // namespace zoo::engine
