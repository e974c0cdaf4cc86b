#include "nn/engine/plan/memory_plan.h"

#include <random>

#include <gtest/gtest.h>

namespace zoo::engine {
namespace {

TEST(MemoryPlan, IsEmptyWithoutValues) { EXPECT_EQ(plan_memory({}, 64).total_bytes, 0U); }

TEST(MemoryPlan, SharesSpaceBetweenValuesThatNeverLiveTogether) {
  const MemoryPlan plan = plan_memory({{100, 0, 1}, {100, 1, 2}, {100, 2, 3}}, 64);
  EXPECT_EQ(plan.total_bytes, 256U);
  EXPECT_EQ(plan.offsets[0], plan.offsets[2]);
  EXPECT_NE(plan.offsets[0], plan.offsets[1]);
}

TEST(MemoryPlan, NeverOverlapsLivingValues) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> lifetimes;
    for (int i = 0; i < 40; ++i) {
      const size_t first = random() % 30;
      lifetimes.push_back({random() % 5000, first, first + random() % 10});
    }
    const MemoryPlan plan = plan_memory(lifetimes, 64);
    for (size_t a = 0; a < lifetimes.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % 64, 0U);
      EXPECT_LE(plan.offsets[a] + lifetimes[a].bytes, plan.total_bytes);
      for (size_t b = a + 1; b < lifetimes.size(); ++b) {
        const bool together = lifetimes[a].first <= lifetimes[b].last && lifetimes[b].first <= lifetimes[a].last;
        const bool apart = plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] ||
                           plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a];
        EXPECT_TRUE(!together || apart) << "round " << round << ", values " << a << " and " << b;
      }
    }
  }
}

}  // namespace
}  // namespace zoo::engine
