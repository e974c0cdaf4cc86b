#define ZOO_KERNEL_LANES 16
#define ZOO_WINOGRAD_FUNCTION winograd_avx512
#include "nn/engine/kernels/f32/winograd_impl.inc"
