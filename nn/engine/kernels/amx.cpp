// Whether the tile registers may be used. Compiled without the instruction sets that it asks for.
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nn/engine/kernels/bf16.h"
#include "nn/engine/kernels/int8.h"

namespace zoo::engine::kernels {
namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
}

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

bool processor_has(unsigned bits) { return (Registers::of(7, 0).edx & bits) == bits; }

bool processor_has_amx_int8() { return processor_has(kAmxTile | kAmxInt8); }

bool processor_has_amx_bf16() {
  return processor_has(kAmxTile | kAmxBf16) && (Registers::of(7, 1).eax & kAvx512Bf16) != 0;
}

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

}  // namespace

bool amx_bf16_available() {
  static const bool available = has_avx512() && processor_has_amx_bf16() && request_tiles();
  return available;
}

bool amx_int8_available() {
  static const bool available = has_avx512() && processor_has_amx_int8() && request_tiles();
  return available;
}

}  // namespace zoo::engine::kernels
