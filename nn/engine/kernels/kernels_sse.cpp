#define ZOO_KERNEL_ISA Isa::kSse
#define ZOO_KERNEL_LANES 8
#define ZOO_KERNEL_TABLE kSseTable
#include "nn/engine/kernels/kernels_impl.inc"
