// Convolutions on AVX-VNNI, which multiplies bytes. All else is AVX2's.
#include "nn/engine/kernels/int8/avx_vnni_instructions.h"
#include "nn/engine/kernels/int8/int8_conv256.h"
#include "nn/engine/kernels/int8/int8_depthwise256.h"

namespace zoo::engine::kernels {
namespace {

struct Quads {
  static constexpr int64_t kTaps = 4;
  [[gnu::always_inline]] static __m256i add(__m256i sums, __m256i source, __m256i weights) {
    return add_quads(sums, source, weights);
  }
};

}  // namespace

extern const Int8Table kInt8AvxVnniTable;
constinit const Int8Table kInt8AvxVnniTable = avx2::table_of(
    Int8Isa::kAvxVnni,
    {packed_int8_quads_size, pack_int8_quads, conv256<Quads>, depthwise_by_kernel<DepthwiseSet256<Quads>>});

}  // namespace zoo::engine::kernels
