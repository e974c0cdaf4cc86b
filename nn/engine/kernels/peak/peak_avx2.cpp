#define ZOO_KERNEL_LANES 8
#define ZOO_PEAK_TABLE kAvx2Peak
#include "nn/engine/kernels/peak/peak_impl.inc"
