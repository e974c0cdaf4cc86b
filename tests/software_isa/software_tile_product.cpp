#define ZOO_TILE_PRODUCT multiply_software_tiles
#include "tests/software_isa/tile_product.inc"
