// Everything of the int8 kernels of AVX-512 with VNNI that is no convolution.
#include "nn/engine/kernels/int8/int8_vec.h"
#include "nn/engine/kernels/int8/int8_vec_maps.inc"
