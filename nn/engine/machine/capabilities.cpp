#include "nn/engine/machine/capabilities.h"

#include <unistd.h>

namespace zoo::engine {
namespace {

using kernels::Bf16Isa;
using kernels::Int8Isa;
using kernels::Isa;

CacheSizes cache_sizes() {
  CacheSizes sizes;
  const auto ask = [](int name, size_t& bytes) {
    const long told = sysconf(name);
    if (told > 0) bytes = static_cast<size_t>(told);
  };
  ask(_SC_LEVEL1_DCACHE_SIZE, sizes.l1);
  ask(_SC_LEVEL2_CACHE_SIZE, sizes.l2);
  ask(_SC_LEVEL3_CACHE_SIZE, sizes.l3);
  return sizes;
}

}  // namespace

bool Capabilities::has(Bf16Isa set) const { return set == Bf16Isa::kAmx ? amx_bf16 : avx512_bf16; }

bool Capabilities::has(Int8Isa set) const {
  switch (set) {
    case Int8Isa::kReference:
      return true;
    case Int8Isa::kAvx2:
      return has(Isa::kAvx2);
    case Int8Isa::kAvxVnni:
      return avx_vnni;
    case Int8Isa::kVnni:
      return avx512_vnni;
    case Int8Isa::kAmx:
      return amx_int8;
  }
  return false;
}

std::optional<Bf16Isa> Capabilities::bf16() const {
  for (const Bf16Isa set : {Bf16Isa::kAmx, Bf16Isa::kDot}) {
    if (has(set)) return set;
  }
  return std::nullopt;
}

std::optional<Int8Isa> Capabilities::int8() const {
  for (const Int8Isa set : {Int8Isa::kAmx, Int8Isa::kVnni, Int8Isa::kAvxVnni, Int8Isa::kAvx2}) {
    if (has(set) && kernels::lanes_of(set) == lanes()) return set;
  }
  return std::nullopt;
}

Capabilities capabilities_of(const ProcessorFeatures& features, const OneDnnSets& onednn, const CacheSizes& caches) {
  Capabilities all{.caches = caches};
  if (!features.avx2 || !onednn.avx2) return all;
  all.isa = Isa::kAvx2;
  all.avx_vnni = features.avx_vnni && onednn.avx2_vnni;
  if (!features.avx512 || !onednn.avx512_core) return all;
  all.isa = Isa::kAvx512;
  all.avx512_vnni = features.avx512_vnni && onednn.avx512_core_vnni;
  all.avx512_bf16 = features.avx512_bf16 && onednn.avx512_core_bf16;
  all.amx_bf16 = features.amx_bf16 && onednn.avx512_core_amx && all.avx512_bf16;
  all.amx_int8 = features.amx_int8 && onednn.avx512_core_amx && all.avx512_vnni;
  return all;
}

const Capabilities& machine_capabilities() {
  static const Capabilities all = capabilities_of(processor_features(), onednn_sets(), cache_sizes());
  return all;
}

Capabilities held_to(const Capabilities& all, Isa isa) {
  Capabilities held{.isa = isa, .caches = all.caches};
  if (isa != Isa::kAvx512) return held;
  held.avx512_vnni = all.avx512_vnni;
  held.avx512_bf16 = all.avx512_bf16;
  return held;
}

}  // namespace zoo::engine
