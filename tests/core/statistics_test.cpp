#include "nn/core/statistics.h"

#include <vector>

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(Quantile, IsTheSmallestValueThatEnoughOthersDoNotExceed) {
  const std::vector<double> ten = {10, 3, 7, 1, 9, 2, 8, 4, 6, 5};
  EXPECT_EQ(quantile(ten, 0.0), 1);
  EXPECT_EQ(quantile(ten, 0.5), 5);
  EXPECT_EQ(quantile(ten, 0.51), 6);
  EXPECT_EQ(quantile(ten, 0.9), 9);
  EXPECT_EQ(quantile(ten, 1.0), 10);
  EXPECT_EQ(quantile(std::vector<int>{4, 2, 9}, 0.5), 4);
}

TEST(Quantile, OfOneValueIsThatValueAndOfNoneIsZero) {
  EXPECT_EQ(quantile(std::vector<int>{7}, 0.0), 7);
  EXPECT_EQ(quantile(std::vector<int>{7}, 0.9), 7);
  EXPECT_EQ(quantile(std::vector<int>{}, 0.5), 0);
}

}  // namespace
}  // namespace zoo
