// Convolutions on AVX2. Bytes are multiplied as numbers of 16 bits: VPMADDUBSW, the product of bytes, would cut off
// sums beyond 16 bits.
#include "nn/engine/kernels/int8/int8_conv256.h"
#include "nn/engine/kernels/int8/int8_depthwise256.h"

namespace zoo::engine::kernels {
namespace {

struct Pairs {
  static constexpr int64_t kTaps = 2;
  [[gnu::always_inline]] static __m256i add(__m256i sums, __m256i source, __m256i weights) {
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(source, weights));
    asm("" : "+x"(sums));  // else the compiler adds the products in another order, for which it has no registers
    return sums;
  }
};

}  // namespace

extern const Int8Table kInt8Avx2Table;
constinit const Int8Table kInt8Avx2Table = avx2::table_of(
    Int8Isa::kAvx2,
    {packed_int8_pairs_size, pack_int8_pairs, conv256<Pairs>, depthwise_by_kernel<DepthwiseSet256<Pairs>>});

}  // namespace zoo::engine::kernels
