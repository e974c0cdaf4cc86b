// In the place of the engine's processor_features.cpp: everything is there, by software.
#include "nn/engine/machine/processor_features.h"

namespace zoo::engine {

const ProcessorFeatures& processor_features() {
  static constexpr ProcessorFeatures kAll = {.avx2 = true,
                                             .avx_vnni = true,
                                             .avx512 = true,
                                             .avx512_vnni = true,
                                             .avx512_bf16 = true,
                                             .amx_bf16 = true,
                                             .amx_int8 = true};
  return kAll;
}

std::string processor_name() { return "software"; }

}  // namespace zoo::engine
