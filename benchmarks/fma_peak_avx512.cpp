#define ZOO_PEAK_FUNCTION run_fma_avx512
#define ZOO_PEAK_LANES 16
#include "benchmarks/fma_peak_impl.h"
