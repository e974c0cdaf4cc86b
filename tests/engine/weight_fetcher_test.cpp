#include "nn/engine/kernels/weight_fetcher.h"

#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::engine::kernels {
namespace {

constexpr uintptr_t kPage = WeightFetcher::kPage;
constexpr uintptr_t kPair = WeightFetcher::kStep;

/// What each step asks for.
std::vector<std::vector<uintptr_t>> lines_of(uintptr_t begin, int64_t bytes, int64_t steps) {
  WeightFetcher fetcher(reinterpret_cast<const void*>(begin), bytes, steps);
  std::vector<std::vector<uintptr_t>> lines(static_cast<size_t>(steps));
  for (auto& asked : lines) fetcher.step([&](uintptr_t line) { asked.push_back(line); });
  return lines;
}

TEST(WeightFetcher, AsksForEveryPairOfLinesOnce) {
  for (const uintptr_t begin : {uintptr_t{1} << 30U, (uintptr_t{1} << 30U) + 64, (uintptr_t{1} << 30U) + 5000}) {
    for (const int64_t bytes :
         {int64_t{1}, int64_t{128}, int64_t{4096}, int64_t{10240}, int64_t{32768}, int64_t{99999}, int64_t{524288}}) {
      for (const int64_t steps : {1, 7, 512, 3000}) {
        std::map<uintptr_t, int> times;
        for (const auto& asked : lines_of(begin, bytes, steps)) {
          for (const uintptr_t line : asked) ++times[line];
        }
        const uintptr_t end = begin + static_cast<uintptr_t>(bytes);
        for (uintptr_t pair = begin / kPair * kPair; pair < end; pair += kPair) {
          ASSERT_EQ(times[pair], 1) << bytes << " bytes in " << steps << " steps, byte " << pair - begin;
        }
        // The first page from its beginning, nothing behind the end.
        ASSERT_EQ(times.size(), (end - begin / kPage * kPage + kPair - 1) / kPair) << bytes << " bytes";
      }
    }
  }
}

TEST(WeightFetcher, AsksForPagesSideBySide) {
  const uintptr_t begin = uintptr_t{1} << 30U;
  const auto lines = lines_of(begin, 64 * 1024, 64);
  for (size_t step = 0; step < lines.size(); ++step) {
    std::vector<uintptr_t> expected;
    const uintptr_t first = begin + step / 32 * WeightFetcher::kRegion + step % 32 * kPair;
    for (uintptr_t page = 0; page < 8; ++page) expected.push_back(first + page * kPage);
    ASSERT_EQ(lines[step], expected) << "step " << step;
  }
}

TEST(WeightFetcher, SpreadsItsWorkEvenly) {
  const auto lines = lines_of(uintptr_t{1} << 30U, 512 * 1024, 100);
  for (const auto& asked : lines) {
    EXPECT_GE(asked.size(), 5U * 8);  // 512 rounds in 100 steps
    EXPECT_LE(asked.size(), 6U * 8);
  }
}

TEST(WeightFetcher, HasNothingToDoWithoutWeights) {
  WeightFetcher nothing;
  nothing.step([](uintptr_t) { FAIL(); });
  for (const auto& asked : lines_of(4096, 0, 5)) EXPECT_TRUE(asked.empty());
  for (const auto& asked : lines_of(4096, -64, 5)) EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace zoo::engine::kernels
