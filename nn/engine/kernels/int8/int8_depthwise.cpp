// Depthwise convolutions on AVX-512 VNNI: what int8_depthwise.h wants of the set, and 64 channels at once where they
// are.
#include <algorithm>

#include "nn/engine/kernels/int8/int8_vec.h"
// Behind the verbs that they are written in.
#include "nn/engine/kernels/int8/int8_depthwise.h"
#include "nn/engine/kernels/int8/int8_depthwise_wide.h"

namespace zoo::engine::kernels {
namespace {

struct DepthwiseSet {
  using Register = __m512i;
  static constexpr int64_t kTaps = 4;
  static constexpr int kRegisters = 1;
  static constexpr int64_t kSideBySide = kInt8Wide / kInt8Lanes;

  static __m512i add(__m512i sums, __m512i source, __m512i weights) {
    return _mm512_dpbusd_epi32(sums, source, weights);
  }
  template <int kPart>
  static __m512i part(const Wholes& wholes) {
    return wholes;
  }
  static Wholes join(__m512i only, __m512i /*second*/) { return only; }
  static Wholes group(const uint8_t* line) { return interleave(_mm512_loadu_si512(line)); }
  static void load_weights(const int8_t* quad, Wholes* groups) { groups[0] = _mm512_loadu_si512(quad); }
  static Wholes add_results(Wholes total, Bytes positions, int64_t count, const std::byte* /*out*/, int64_t /*pitch*/) {
    // One for each of the positions that are there: 0x01010101 without the bytes beyond `count`.
    const __m512i ones = _mm512_set1_epi32(static_cast<int32_t>(0x01010101U >> 8 * (4 - count)));
    return _mm512_dpbusd_epi32(total, interleave(positions), ones);
  }
  template <int64_t kKernel, int64_t kStride, Finish kFinish>
  static void run_side_by_side(const Int8Depthwise& op, int64_t first, int64_t last, const uint8_t* src, uint8_t* dst,
                               std::byte* ring, WeightFetcher& fetcher, int32_t* totals) {
    WideWorker<kKernel, kStride, kFinish>(op, first, last, src, dst, ring).run(fetcher, totals);
  }

 private:
  /// 16 channels of four pixels, pixel by pixel -> channel by channel.
  static __m512i interleave(__m512i pixels) {
    // Four channels of each pixel to each quarter of the vector, then the bytes within the quarters.
    const __m512i bytes = _mm512_broadcast_i32x4(_mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0));
    return _mm512_shuffle_epi8(by_position(pixels), bytes);
  }
};

}  // namespace

namespace vnni {

void depthwise(const Int8Depthwise& op, const uint8_t* src, uint8_t* dst, int32_t* sums, std::byte* ring, int64_t begin,
               int64_t end) {
  depthwise_by_kernel<DepthwiseSet>(op, src, dst, sums, ring, begin, end);
}

}  // namespace vnni
}  // namespace zoo::engine::kernels
