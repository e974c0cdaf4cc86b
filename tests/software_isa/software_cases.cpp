#define ZOO_CASES software_cases
#include "tests/software_isa/intrinsics_cases.inc"
