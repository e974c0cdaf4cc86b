#include "nn/engine/kernels/common/isa.h"

#include "nn/engine/kernels/common/bf16_isa.h"

namespace zoo::engine::kernels {

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kSse:
      return "sse";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::string_view to_string(Bf16Isa isa) {
  switch (isa) {
    case Bf16Isa::kDot:
      return "avx512_bf16";
    case Bf16Isa::kAmx:
      return "amx_bf16";
  }
  return "unknown";
}

std::string_view to_string(Int8Isa isa) {
  switch (isa) {
    case Int8Isa::kReference:
      return "reference";
    case Int8Isa::kAvx2:
      return "avx2";
    case Int8Isa::kAvxVnni:
      return "avx_vnni";
    case Int8Isa::kVnni:
      return "avx512_vnni";
    case Int8Isa::kAmx:
      return "amx_int8";
  }
  return "unknown";
}

}  // namespace zoo::engine::kernels
