// The fp32 multiply-add rate of one core: what every network is measured against.
#pragma once

#include <cstdint>

namespace zoo::benchmarks {

/// Runs independent multiply-adds on registers only, on the widest vectors of this machine, and returns how many
/// floating-point operations that were (a multiply-add counts two). Time it to get the peak.
int64_t run_fma(int64_t rounds);

/// GFLOP/s of one core, the best of several short timings.
double fma_peak_gflops();

}  // namespace zoo::benchmarks
