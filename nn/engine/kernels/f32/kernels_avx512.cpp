#define ZOO_KERNEL_ISA Isa::kAvx512
#define ZOO_KERNEL_LANES 16
#define ZOO_KERNEL_TABLE kAvx512Table
#define ZOO_DEPTHWISE_FUNCTION depthwise_avx512
#define ZOO_POINTWISE_FUNCTION pointwise_avx512
#define ZOO_STEM_FUNCTION stem_avx512
#define ZOO_WINOGRAD_FUNCTION winograd_avx512
#include "nn/engine/kernels/f32/kernels_impl.inc"
