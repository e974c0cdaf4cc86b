#define ZOO_KERNEL_LANES 16
#define ZOO_STEM_FUNCTION stem_avx512
#include "nn/engine/kernels/f32/stem_impl.inc"
