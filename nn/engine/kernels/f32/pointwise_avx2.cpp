#define ZOO_KERNEL_LANES 8
#define ZOO_POINTWISE_FUNCTION pointwise_avx2
#include "nn/engine/kernels/f32/pointwise_impl.inc"
