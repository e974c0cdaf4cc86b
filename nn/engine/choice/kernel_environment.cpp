#include "nn/engine/choice/kernel_environment.h"

#include <fmt/format.h>

#include "nn/engine/machine/capabilities.h"
#include "nn/engine/machine/onednn_isa.h"
#include "nn/engine/machine/revision.h"

namespace zoo::engine {

std::string kernel_environment(kernels::Isa isa) {
  const CacheSizes& caches = machine_capabilities().caches;
  std::string line =
      fmt::format("{}, L1 {} KiB, L2 {} KiB, L3 {} KiB, {}, oneDNN {}, engine {}", processor_name(), caches.l1 / 1024,
                  caches.l2 / 1024, caches.l3 / 1024, kernels::to_string(isa), onednn_build(), kEngineRevision);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

}  // namespace zoo::engine
