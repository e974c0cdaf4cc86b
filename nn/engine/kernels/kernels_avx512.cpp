#define ZOO_KERNEL_ISA Isa::kAvx512
#define ZOO_KERNEL_LANES 16
#define ZOO_KERNEL_TABLE kAvx512Table
#include "nn/engine/kernels/kernels_impl.inc"
