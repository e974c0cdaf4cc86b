#define ZOO_TILE_PRODUCT multiply_processor_tiles
#include "tests/software_isa/tile_product.inc"
