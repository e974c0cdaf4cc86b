#define ZOO_KERNEL_LANES 8
#define ZOO_WINOGRAD_FUNCTION winograd_avx2
#include "nn/engine/kernels/f32/winograd_impl.inc"
