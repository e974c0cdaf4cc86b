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

bool processor_has_amx_int8() {
  // Intel SDM volume 2A, CPUID leaf 7, subleaf 0: EDX bit 24 AMX-TILE, bit 25 AMX-INT8.
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (edx >> 24 & 1U) != 0 && (edx >> 25 & 1U) != 0;
}

bool processor_has_amx_bf16() {
  // Intel SDM volume 2A, CPUID: leaf 7, subleaf 0, EDX bit 22 AMX-BF16, bit 24 AMX-TILE; subleaf 1, EAX bit 5
  // AVX512_BF16.
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  const bool tiles = (edx >> 22 & 1U) != 0 && (edx >> 24 & 1U) != 0;
  if (!tiles || __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (eax >> 5 & 1U) != 0;
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
