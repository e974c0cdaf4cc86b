#define ZOO_KERNEL_LANES 16
#define ZOO_DEPTHWISE_FUNCTION depthwise_avx512
#include "nn/engine/kernels/f32/depthwise_impl.inc"
