#include "nn/engine/processor.h"

#include <array>
#include <cpuid.h>
#include <cstring>
#include <unistd.h>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "nn/engine/revision.h"

namespace zoo::engine {
namespace {

/// "Intel(R) Xeon(R) Processor 6-143-8": virtual machines share names, so family, model and stepping follow.
std::string processor_name() {
  std::array<uint32_t, 12> words{};
  constexpr uint32_t kFirstBrandLeaf = 0x80000002U;
  for (uint32_t leaf = 0; leaf < 3; ++leaf) {
    uint32_t* w = &words[size_t{leaf} * 4];
    if (__get_cpuid(kFirstBrandLeaf + leaf, w, w + 1, w + 2, w + 3) == 0) break;
  }
  std::array<char, sizeof(words) + 1> text{};
  std::memcpy(text.data(), words.data(), sizeof(words));
  uint32_t signature = 0;
  uint32_t unused = 0;
  __get_cpuid(1, &signature, &unused, &unused, &unused);
  return fmt::format("{} {:x}", text.data(), signature);
}

}  // namespace

std::string kernel_environment(kernels::Isa isa) {
  const dnnl_version_t* version = dnnl_version();
  std::string line = fmt::format("{}, L2 {} KiB, {}, oneDNN {}.{}.{} isa {:x}, engine {}", processor_name(),
                                 l2_cache_bytes() / 1024, kernels::to_string(isa), version->major, version->minor,
                                 version->patch, static_cast<unsigned>(dnnl::get_effective_cpu_isa()), kEngineRevision);
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
