#define ZOO_CASES compiler_cases
#include "tests/software_isa/intrinsics_cases.inc"
