// Compiled once per instruction set; the including file defines ZOO_PEAK_FUNCTION and ZOO_PEAK_LANES.
#include <array>
#include <cstddef>
#include <cstdint>

namespace zoo::benchmarks {
namespace {

typedef float Vec __attribute__((vector_size(ZOO_PEAK_LANES * sizeof(float))));

// Latency 4-5 cycles times two units: ten sums would do; twelve leave room.
constexpr int kSums = 12;

}  // namespace

int64_t ZOO_PEAK_FUNCTION(int64_t rounds);
int64_t ZOO_PEAK_FUNCTION(int64_t rounds) {
  std::array<Vec, kSums> sums;
  for (int k = 0; k < kSums; ++k) sums[static_cast<size_t>(k)] = (static_cast<float>(k) + 1.0F) - Vec{};
  Vec factor = 0.999F - Vec{};
  Vec addend = 0.001F - Vec{};
  for (int64_t i = 0; i < rounds; ++i) {
    for (Vec& sum : sums) sum = sum * factor + addend;
    asm volatile("" : "+r"(i));  // keeps the loop a loop
  }
  Vec total = Vec{};
  for (const Vec& sum : sums) total += sum;
  asm volatile("" : : "m"(total));
  return rounds * kSums * ZOO_PEAK_LANES * 2;
}

}  // namespace zoo::benchmarks
