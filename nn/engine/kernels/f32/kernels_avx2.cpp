#define ZOO_KERNEL_ISA Isa::kAvx2
#define ZOO_KERNEL_LANES 8
#define ZOO_KERNEL_TABLE kAvx2Table
#define ZOO_DEPTHWISE_FUNCTION depthwise_avx2
#define ZOO_POINTWISE_FUNCTION pointwise_avx2
#define ZOO_STEM_FUNCTION stem_avx2
#define ZOO_WINOGRAD_FUNCTION winograd_avx2
#include "nn/engine/kernels/f32/kernels_impl.inc"
