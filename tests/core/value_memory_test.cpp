#include "nn/core/value_memory.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

namespace zoo {
namespace {

/// Bytes of this process that are in memory: /proc/self/statm, second column, in pages.
int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(ValueMemory, GoesBackToTheSystem) {
  constexpr size_t kCount = 1 << 18;
  constexpr int64_t kBytes = kCount * sizeof(float);
  const int64_t before = resident_bytes();
  {
    std::vector<ValueVector> many;
    for (int i = 0; i < 16; ++i) many.emplace_back(kCount, 1.0F);
    EXPECT_GE(resident_bytes() - before, 15 * kBytes);
  }
  EXPECT_LT(resident_bytes() - before, kBytes);
}

TEST(ValueMemory, HoldsFewAndManyValues) {
  for (const size_t count : {0U, 1U, 100U, 32767U, 32768U, 32769U, 100'000U}) {
    ValueVector values(count, 1.0F);
    EXPECT_EQ(std::ranges::count(values, 1.0F), static_cast<std::ptrdiff_t>(count));
    values.resize(count + 1);
    EXPECT_EQ(values.back(), 0.0F);
    const ValueVector copy = values;
    EXPECT_EQ(copy, values);
  }
}

}  // namespace
}  // namespace zoo
