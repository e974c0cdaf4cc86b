#define ZOO_KERNEL_LANES 16
#define ZOO_PEAK_TABLE kAvx512Peak
#include "nn/engine/kernels/peak/peak_impl.inc"
