#define ZOO_PEAK_FUNCTION run_fma_sse
#define ZOO_PEAK_LANES 4
#include "benchmarks/fma_peak_impl.h"
