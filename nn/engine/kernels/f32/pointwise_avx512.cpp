#define ZOO_KERNEL_LANES 16
#define ZOO_POINTWISE_FUNCTION pointwise_avx512
#include "nn/engine/kernels/f32/pointwise_impl.inc"
