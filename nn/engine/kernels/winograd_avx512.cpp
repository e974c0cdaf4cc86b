#define ZOO_KERNEL_LANES 16
#define ZOO_WINOGRAD_FUNCTION winograd_avx512
#include "nn/engine/kernels/winograd_impl.inc"
