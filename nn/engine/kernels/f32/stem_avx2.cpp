#define ZOO_KERNEL_LANES 8
#define ZOO_STEM_FUNCTION stem_avx2
#include "nn/engine/kernels/f32/stem_impl.inc"
