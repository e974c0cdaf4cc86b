#include "nn/engine/kernels/common/weight_fetcher.h"

#include <array>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::engine::kernels {
namespace {

constexpr int64_t kPage = WeightFetcher::kPage;
constexpr int64_t kPair = WeightFetcher::kPair;

alignas(kPage) const std::array<std::byte, 600 * 1024> kMemory = {};

/// What each step asks for, in bytes from kMemory's first.
std::vector<std::vector<int64_t>> lines_of(int64_t begin, int64_t bytes, int64_t steps) {
  WeightFetcher fetcher(kMemory.data() + begin, bytes, steps);
  std::vector<std::vector<int64_t>> lines(static_cast<size_t>(steps));
  for (auto& asked : lines) fetcher.step([&](const std::byte* line) { asked.push_back(line - kMemory.data()); });
  return lines;
}

TEST(WeightFetcher, AsksForEveryPairOfLinesOnce) {
  for (const int64_t begin : {0, 64, 5000}) {
    for (const int64_t bytes : {1, 128, 4096, 10240, 32768, 99999, 524288}) {
      for (const int64_t steps : {1, 7, 512, 3000}) {
        std::map<int64_t, int> times;
        for (const auto& asked : lines_of(begin, bytes, steps)) {
          for (const int64_t line : asked) ++times[line];
        }
        for (int64_t pair = begin / kPair * kPair; pair < begin + bytes; pair += kPair) {
          ASSERT_EQ(times[pair], 1) << bytes << " bytes from " << begin << " in " << steps << " steps, byte " << pair;
        }
        // The first page from its beginning, nothing behind the end.
        const int64_t pairs = (begin % kPage + bytes + kPair - 1) / kPair;
        ASSERT_EQ(static_cast<int64_t>(times.size()), pairs) << bytes << " bytes from " << begin;
      }
    }
  }
}

TEST(WeightFetcher, AsksForPagesSideBySide) {
  const auto lines = lines_of(0, 64 * 1024, 64);
  for (size_t step = 0; step < lines.size(); ++step) {
    const auto round = static_cast<int64_t>(step);
    std::vector<int64_t> expected;
    for (int64_t page = 0; page < 8; ++page) expected.push_back((round / 32 * 8 + page) * kPage + round % 32 * kPair);
    ASSERT_EQ(lines[step], expected) << "step " << step;
  }
}

TEST(WeightFetcher, SpreadsItsWorkEvenly) {
  for (const auto& asked : lines_of(0, 512 * 1024, 100)) {
    EXPECT_GE(asked.size(), 5U * 8);  // 512 rounds in 100 steps
    EXPECT_LE(asked.size(), 6U * 8);
  }
}

TEST(WeightFetcher, HasNothingToDoWithoutWeights) {
  WeightFetcher nothing;
  nothing.step([](const std::byte*) { FAIL(); });
  for (const auto& asked : lines_of(4096, 0, 5)) EXPECT_TRUE(asked.empty());
  for (const auto& asked : lines_of(4096, -64, 5)) EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace zoo::engine::kernels
