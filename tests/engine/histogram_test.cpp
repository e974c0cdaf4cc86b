#include "nn/engine/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace zoo::engine {
namespace {

std::vector<float> normal_values(size_t count) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(Histogram, WithoutNumbersTheRangeIsEmpty) {
  Histogram histogram;
  histogram.add(std::vector<float>{0.0F, 0.0F});
  for (const auto method : {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse}) {
    EXPECT_EQ(histogram.range(method), std::pair(0.0F, 0.0F)) << to_string(method);
  }
}

TEST(Histogram, MinMaxIsExactAndEnclosesZero) {
  Histogram histogram;
  histogram.add(std::vector<float>{0.25F, 3.125F});
  EXPECT_EQ(histogram.range(RangeMethod::kMinMax), std::pair(0.0F, 3.125F));
  histogram.add(std::vector<float>{-7.0e4F});
  EXPECT_EQ(histogram.range(RangeMethod::kMinMax), std::pair(-7.0e4F, 3.125F));
}

TEST(Histogram, OrderDoesNotMatterThoughBinsWiden) {
  std::vector<float> values = normal_values(5000);
  Histogram forward;
  forward.add(values);
  std::ranges::sort(values, {}, [](float v) { return std::abs(v); });
  Histogram widening;
  for (const float value : values) widening.add(std::span(&value, 1));
  for (const auto method : {RangeMethod::kPercentile, RangeMethod::kMse}) {
    const auto [low, high] = forward.range(method);
    const auto [other_low, other_high] = widening.range(method);
    EXPECT_NEAR(low, other_low, 0.01) << to_string(method);
    EXPECT_NEAR(high, other_high, 0.01) << to_string(method);
  }
}

TEST(Histogram, PercentileLeavesOutlierOut) {
  Histogram histogram;
  histogram.add(normal_values(100'000));
  histogram.add(std::vector<float>{50.0F});
  const auto [low, high] = histogram.range(RangeMethod::kPercentile);
  EXPECT_GT(high, 3.0F);
  EXPECT_LT(high, 5.0F);
  EXPECT_LT(low, -3.0F);
}

/// What 8 bits make of the values.
double mean_error(const std::vector<float>& values, std::pair<float, float> range) {
  const double step = (static_cast<double>(range.second) - range.first) / 255.0;
  const double zero = std::nearbyint(-range.first / step);
  double sum = 0.0;
  for (const float value : values) {
    const double q = std::clamp(std::nearbyint(value / step + zero), 0.0, 255.0);
    sum += std::pow((q - zero) * step - value, 2);
  }
  return sum / static_cast<double>(values.size());
}

TEST(Histogram, MseHasTheLeastErrorOfAllMethods) {
  std::vector<float> values = normal_values(100'000);
  for (const float outlier : {20.0F, 25.0F, -18.0F}) values.push_back(outlier);
  Histogram histogram;
  histogram.add(values);
  const double best = mean_error(values, histogram.range(RangeMethod::kMse));
  EXPECT_LT(best, mean_error(values, histogram.range(RangeMethod::kMinMax)));
  EXPECT_LE(best, mean_error(values, histogram.range(RangeMethod::kPercentile)) * 1.001);
}

TEST(Histogram, TakesNumbersOfEverySizeFirst) {
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const float first : {kSmallest, -kSmallest, 1.3e-42F, 1.5e-42F, 1e-40F, -std::numeric_limits<float>::min(),
                            1e-30F, 1.0F, -1e30F, kLargest, -kLargest}) {
    Histogram histogram;
    histogram.add(std::vector<float>{first});
    EXPECT_EQ(histogram.range(RangeMethod::kMinMax), std::pair(std::min(first, 0.0F), std::max(first, 0.0F)));
    histogram.add(std::vector<float>{0.5F, -0.25F});
    const auto [low, high] = histogram.range(RangeMethod::kMinMax);
    EXPECT_EQ(low, std::min(first, -0.25F));
    EXPECT_EQ(high, std::max(first, 0.5F));
    for (const auto method : {RangeMethod::kPercentile, RangeMethod::kMse}) {
      const auto [least, most] = histogram.range(method);
      EXPECT_TRUE(std::isfinite(least) && std::isfinite(most) && least <= 0.0F && most >= 0.0F) << first;
    }
  }
}

TEST(Histogram, RemembersWhatIsNoNumber) {
  Histogram histogram;
  histogram.add(std::vector<float>{1.0F, std::numeric_limits<float>::quiet_NaN(), 2.0F});
  EXPECT_TRUE(histogram.has_failure());
  EXPECT_EQ(histogram.range(RangeMethod::kMinMax), std::pair(0.0F, 2.0F));
}

}  // namespace
}  // namespace zoo::engine
