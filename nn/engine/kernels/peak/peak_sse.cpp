#define ZOO_KERNEL_LANES 4
#define ZOO_PEAK_TABLE kSsePeak
#include "nn/engine/kernels/peak/peak_impl.inc"
