#define ZOO_KERNEL_ISA Isa::kSse
#define ZOO_KERNEL_LANES 8
#define ZOO_KERNEL_TABLE kSseTable
#define ZOO_DEPTHWISE_FUNCTION depthwise_sse
#define ZOO_POINTWISE_FUNCTION pointwise_sse
#define ZOO_STEM_FUNCTION stem_sse
#define ZOO_WINOGRAD_FUNCTION winograd_sse
#include "nn/engine/kernels/f32/kernels_impl.inc"
