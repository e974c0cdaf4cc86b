// Compiled without the instruction sets that it asks for.
#include "nn/engine/machine/processor_features.h"

#include <array>
#include <cpuid.h>
#include <cstdint>
#include <cstring>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace zoo::engine {
namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;

  /// All zero where the processor lacks the leaf.
  static Registers of(unsigned leaf, unsigned subleaf) {
    Registers r;
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
    return r;
  }
};

/// Bits of CPUID leaf 7, Intel SDM volume 2A: subleaf 0, EDX; subleaf 1, EAX.
constexpr unsigned kAmxBf16 = 1U << 22U;
constexpr unsigned kAmxTile = 1U << 24U;
constexpr unsigned kAmxInt8 = 1U << 25U;
constexpr unsigned kAvx512Bf16 = 1U << 5U;
constexpr unsigned kAvxVnni = 1U << 4U;

/// Linux hands out the 8 KiB of tile state on request only; it holds for the whole process.
bool request_tiles() {
#ifdef SYS_arch_prctl
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM, asm/prctl.h
  constexpr long kTileData = 18;               // state component of the tiles, Intel SDM volume 1, 13.1
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

ProcessorFeatures ask() {
  // The compiler's names say that the system saves the registers, too.
  ProcessorFeatures features;
  features.avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  features.avx512 = features.avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                    __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                    __builtin_cpu_supports("avx512dq") != 0;
  features.avx_vnni = features.avx2 && (Registers::of(7, 1).eax & kAvxVnni) != 0;
  if (!features.avx512) return features;
  const unsigned tiles = Registers::of(7, 0).edx;
  features.avx512_vnni = __builtin_cpu_supports("avx512vnni") != 0;
  features.avx512_bf16 = (Registers::of(7, 1).eax & kAvx512Bf16) != 0;
  if ((tiles & kAmxTile) == 0 || !request_tiles()) return features;
  features.amx_bf16 = (tiles & kAmxBf16) != 0 && features.avx512_bf16;
  features.amx_int8 = (tiles & kAmxInt8) != 0 && features.avx512_vnni;
  return features;
}

}  // namespace

const ProcessorFeatures& processor_features() {
  static const ProcessorFeatures features = ask();
  return features;
}

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

}  // namespace zoo::engine
