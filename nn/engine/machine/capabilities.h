// What networks may use of this machine: the one place that knows instruction sets, permissions, ONEDNN_MAX_CPU_ISA and
// cache sizes. Everything else in the engine is told by these structs. Internal to the project.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "nn/engine/kernels/common/bf16_isa.h"
#include "nn/engine/kernels/common/isa.h"
#include "nn/engine/machine/onednn_isa.h"
#include "nn/engine/machine/processor_features.h"

namespace zoo::engine {

/// Bytes, as one core sees them; of a level that the system does not tell a common size.
struct CacheSizes {
  size_t l1 = size_t{32} << 10U;  ///< for data
  size_t l2 = size_t{1} << 20U;
  size_t l3 = 0;  ///< shared by cores; 0: none, or not told
};

/// Plain data: what a network is compiled for. Tests make others by hand.
struct Capabilities {
  kernels::Isa isa = kernels::Isa::kSse;  ///< of the f32 kernels; its lanes are the channels of a block of a map
  bool avx_vnni = false;                  ///< with kAvx2
  bool avx512_vnni = false;               ///< with kAvx512
  bool avx512_bf16 = false;               ///< with kAvx512
  bool amx_bf16 = false;                  ///< with `avx512_bf16`
  bool amx_int8 = false;                  ///< with `avx512_vnni`
  CacheSizes caches = {};

  int64_t lanes() const { return kernels::lanes_of(isa); }

  /// Whether kernels of the set may run: those of narrower sets run, too.
  bool has(kernels::Isa set) const { return isa >= set; }
  bool has(kernels::Bf16Isa set) const;
  bool has(kernels::Int8Isa set) const;
  /// The fastest set that bf16 networks may use; nothing without products of bf16, where every number would be widened
  /// to f32 before f32's multiply-add.
  std::optional<kernels::Bf16Isa> bf16() const;
  /// The fastest set that int8 networks may use, of those for blocks of so many lanes; nothing where int8 would be
  /// slower than f32: with AVX-512 that lacks VNNI, and below AVX2.
  std::optional<kernels::Int8Isa> int8() const;
};

/// Sets that oneDNN is held below count as missing: whoever sets ONEDNN_MAX_CPU_ISA means the program.
Capabilities capabilities_of(const ProcessorFeatures& features, const OneDnnSets& onednn, const CacheSizes& caches);

/// Of this process, made once.
const Capabilities& machine_capabilities();

/// What is left of `all` where nothing beyond the set is wanted: with kAvx2 no VNNI, with kAvx512 no tiles.
/// Precondition: all.has(isa).
Capabilities held_to(const Capabilities& all, kernels::Isa isa);

}  // namespace zoo::engine
