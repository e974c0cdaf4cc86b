#define ZOO_KERNEL_LANES 8
#define ZOO_STEM_FUNCTION stem_sse
#include "nn/engine/kernels/f32/stem_impl.inc"
