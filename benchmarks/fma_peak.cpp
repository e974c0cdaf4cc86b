#include "benchmarks/fma_peak.h"

#include <algorithm>
#include <chrono>

#include "nn/engine/kernels/kernels.h"

namespace zoo::benchmarks {

int64_t run_fma_sse(int64_t rounds);
int64_t run_fma_avx2(int64_t rounds);
int64_t run_fma_avx512(int64_t rounds);

int64_t run_fma(int64_t rounds) {
  using engine::kernels::Isa;
  if (engine::kernels::is_supported(Isa::kAvx512)) return run_fma_avx512(rounds);
  if (engine::kernels::is_supported(Isa::kAvx2)) return run_fma_avx2(rounds);
  return run_fma_sse(rounds);
}

double fma_peak_gflops() {
  constexpr int kTimings = 10;
  constexpr int64_t kRounds = 2'000'000;
  double best = 0.0;
  for (int i = 0; i < kTimings; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const int64_t operations = run_fma(kRounds);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(operations) / elapsed.count() * 1e-9);
  }
  return best;
}

}  // namespace zoo::benchmarks
