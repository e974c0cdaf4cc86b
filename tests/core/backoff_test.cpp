#include "nn/core/backoff.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

std::vector<int64_t> waits(Backoff& backoff, int count) {
  std::vector<int64_t> result;
  for (int i = 0; i < count; ++i) result.push_back(backoff.next().count());
  return result;
}

TEST(Backoff, AtOnceThenDoublingUpToHalfAMinute) {
  Backoff backoff({.jitter = 0.0});
  EXPECT_THAT(waits(backoff, 10), ElementsAre(0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000));
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff({.jitter = 0.0});
  for (int i = 0; i < 5000; ++i) backoff.next();
  EXPECT_EQ(backoff.next(), 30s);
}

TEST(Backoff, BeginsAnewAfterWorkingForLongEnough) {
  Backoff backoff({.jitter = 0.0});
  waits(backoff, 4);
  backoff.note_worked_for(9999ms);
  EXPECT_EQ(backoff.next(), 4s);
  backoff.note_worked_for(10s);
  EXPECT_THAT(waits(backoff, 3), ElementsAre(0, 500, 1000));
}

TEST(Backoff, TakesARandomShareOff) {
  Backoff one({.seed = 1});
  Backoff same({.seed = 1});
  Backoff other({.seed = 2});
  const std::vector<int64_t> waited = waits(one, 20);
  EXPECT_EQ(waited, waits(same, 20));
  EXPECT_NE(waited, waits(other, 20));
  for (size_t i = 7; i < waited.size(); ++i) {
    EXPECT_GE(waited[i], 24'000);
    EXPECT_LE(waited[i], 30'000);
  }
}

}  // namespace
}  // namespace zoo
