#define ZOO_KERNEL_LANES 8
#define ZOO_DEPTHWISE_FUNCTION depthwise_sse
#include "nn/engine/kernels/f32/depthwise_impl.inc"
