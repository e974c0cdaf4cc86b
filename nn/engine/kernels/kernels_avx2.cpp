#define ZOO_KERNEL_ISA Isa::kAvx2
#define ZOO_KERNEL_LANES 8
#define ZOO_KERNEL_TABLE kAvx2Table
#include "nn/engine/kernels/kernels_impl.inc"
