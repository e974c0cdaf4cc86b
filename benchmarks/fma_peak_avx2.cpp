#define ZOO_PEAK_FUNCTION run_fma_avx2
#define ZOO_PEAK_LANES 8
#include "benchmarks/fma_peak_impl.h"
