// Everything of the int8 kernels of AVX2 that is no convolution.
#include "nn/engine/kernels/int8/int8_vec256.h"
#include "nn/engine/kernels/int8/int8_vec_maps.inc"
