#include "nn/engine/processor.h"

#include <unistd.h>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "nn/engine/kernels/processor_features.h"
#include "nn/engine/onednn_isa.h"
#include "nn/engine/revision.h"

namespace zoo::engine {

std::string kernel_environment(kernels::Isa isa) {
  const dnnl_version_t* version = dnnl_version();
  std::string line = fmt::format("{}, L2 {} KiB, {}, oneDNN {}.{}.{} isa {:x}, engine {}", kernels::processor_name(),
                                 l2_cache_bytes() / 1024, kernels::to_string(isa), version->major, version->minor,
                                 version->patch, onednn_isa(), kEngineRevision);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

size_t l2_cache_bytes() {
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  constexpr size_t kCommon = size_t{1} << 20U;
  return bytes > 0 ? static_cast<size_t>(bytes) : kCommon;
}

}  // namespace zoo::engine
