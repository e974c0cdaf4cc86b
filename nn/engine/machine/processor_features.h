// What the processor and the system offer, before anything else is asked. The only file of the engine that asks CPUID
// is this header's source; tests put another one in its place to run every kernel on every machine
// (tests/software_isa).
#pragma once

#include <string>

namespace zoo::engine {

/// Instruction sets that may be used: the processor has them, and the system saves their registers.
struct ProcessorFeatures {
  bool avx2 = false;         ///< with FMA
  bool avx_vnni = false;     ///< VNNI on vectors of 256 bits, with `avx2`
  bool avx512 = false;       ///< F, BW, VL and DQ, with `avx2`
  bool avx512_vnni = false;  ///< with `avx512`
  bool avx512_bf16 = false;  ///< with `avx512`
  bool amx_bf16 = false;     ///< with `avx512_bf16`; the process may use tiles
  bool amx_int8 = false;     ///< with `avx512_vnni`; the process may use tiles
};

/// Asked once; where there are tiles, this requests the permission to use them, for the whole process.
const ProcessorFeatures& processor_features();

/// "Intel(R) Xeon(R) Processor 6-143-8": virtual machines share names, so family, model and stepping follow.
std::string processor_name();

}  // namespace zoo::engine
