#include "pipeline/preprocess/resample_kernels.h"

#include <algorithm>
#include <cstring>

#include "nn/engine/machine/capabilities.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define ZOO_X86_KERNELS 1
#endif

namespace zoo::pipeline {
namespace {

constexpr size_t kBlock = 512;  // sums of the vertical pass that are kept at a time

inline uint8_t to_pixel(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

// The loop bodies are forced into their callers, so that each caller compiles them for its own instruction set.
template <int kChannels>
[[gnu::always_inline]] inline void horizontal_body(const FilterTable& table, const uint8_t* const* src,
                                                   uint8_t* const* dst) {
  for (int r = 0; r < kRowsPerStep; ++r) {
    uint8_t* out = dst[r];
    for (size_t i = 0; i < static_cast<size_t>(table.count); ++i) {
      const uint8_t* in = src[r] + static_cast<ptrdiff_t>(table.start[i] - table.in_begin) * kChannels;
      const int32_t* weights = table.weights.data() + i * static_cast<size_t>(table.stride);
      int32_t sums[kChannels];
      for (int c = 0; c < kChannels; ++c) sums[c] = kRoundingHalf;
      for (int k = 0; k < table.taps[i]; ++k) {
        for (int c = 0; c < kChannels; ++c) sums[c] += in[k * kChannels + c] * weights[k];
      }
      for (int c = 0; c < kChannels; ++c) *out++ = to_pixel(sums[c]);
    }
  }
}

[[gnu::always_inline]] inline void vertical_body(const FilterTable& table, size_t index, const uint8_t* src,
                                                 size_t step, uint8_t* dst, size_t bytes) {
  const int32_t* weights = table.weights.data() + index * static_cast<size_t>(table.stride);
  const int taps = table.taps[index];
  int32_t sums[kBlock];
  for (size_t begin = 0; begin < bytes; begin += kBlock) {
    const size_t size = std::min(kBlock, bytes - begin);
    std::fill_n(sums, size, kRoundingHalf);
    const uint8_t* row = src + begin;
    int k = 0;
    for (; k + 1 < taps; k += 2, row += 2 * step) {
      const int32_t w0 = weights[k];
      const int32_t w1 = weights[k + 1];
      const uint8_t* next = row + step;
      for (size_t b = 0; b < size; ++b) sums[b] += row[b] * w0 + next[b] * w1;
    }
    if (k < taps) {
      for (size_t b = 0; b < size; ++b) sums[b] += row[b] * weights[k];
    }
    for (size_t b = 0; b < size; ++b) dst[begin + b] = to_pixel(sums[b]);
  }
}

void horizontal1_portable(const FilterTable& table, const uint8_t* const* src, uint8_t* const* dst) {
  horizontal_body<1>(table, src, dst);
}

void horizontal3_portable(const FilterTable& table, const uint8_t* const* src, uint8_t* const* dst) {
  horizontal_body<3>(table, src, dst);
}

void vertical_portable(const FilterTable& table, size_t index, const uint8_t* src, size_t step, uint8_t* dst,
                       size_t bytes) {
  vertical_body(table, index, src, step, dst, bytes);
}

#ifdef ZOO_X86_KERNELS

[[gnu::target("avx2")]] void horizontal1_avx2(const FilterTable& table, const uint8_t* const* src,
                                              uint8_t* const* dst) {
  horizontal_body<1>(table, src, dst);
}

[[gnu::target("avx2")]] void vertical_avx2(const FilterTable& table, size_t index, const uint8_t* src, size_t step,
                                           uint8_t* dst, size_t bytes) {
  vertical_body(table, index, src, step, dst, bytes);
}

// Four taps at a time: pixels become pairs of 16-bit numbers per channel, which vpmaddwd multiplies with the upper and
// with the lower 15 bits of two weights; the two sums are put together at the end. Exact, because the whole sum fits
// 32 bits and intermediate wrap-around cancels.
[[gnu::target("avx2")]] void horizontal3_avx2(const FilterTable& table, const uint8_t* const* src,
                                              uint8_t* const* dst) {
  // Lower half: taps 0 and 1, upper half: taps 2 and 3, each as (c0 c0' c1 c1' c2 c2' 0 0).
  const __m256i pairs = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  // From (upper parts of w0 w1 w2 w3, lower parts of w0 w1 w2 w3): w0 w1 in every 32-bit lane of the lower half, w2 w3
  // in the upper.
  const __m256i spread_upper = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m256i spread_lower = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  const __m128i half = _mm_set1_epi32(kRoundingHalf);
  const int16_t* weights = table.split_weights.data();
  for (int i = 0; i < table.count; ++i) {
    const auto index = static_cast<size_t>(i);
    const ptrdiff_t offset = static_cast<ptrdiff_t>(table.start[index] - table.in_begin) * 3;
    const int groups = (table.taps[index] + 3) / 4;
    __m256i upper[kRowsPerStep];
    __m256i lower[kRowsPerStep];
    for (int r = 0; r < kRowsPerStep; ++r) upper[r] = lower[r] = _mm256_setzero_si256();
    for (int g = 0; g < groups; ++g) {
      const __m256i group = _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + g * 8)));
      const __m256i w_upper = _mm256_permutevar8x32_epi32(group, spread_upper);
      const __m256i w_lower = _mm256_permutevar8x32_epi32(group, spread_lower);
      for (int r = 0; r < kRowsPerStep; ++r) {
        const uint8_t* in = src[r] + offset + static_cast<ptrdiff_t>(g) * 12;
        const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
        const __m256i pixels = _mm256_shuffle_epi8(bytes, pairs);
        upper[r] = _mm256_add_epi32(upper[r], _mm256_madd_epi16(pixels, w_upper));
        lower[r] = _mm256_add_epi32(lower[r], _mm256_madd_epi16(pixels, w_lower));
      }
    }
    weights += static_cast<ptrdiff_t>(table.stride) * 2;
    const bool last = i + 1 == table.count;
    for (int r = 0; r < kRowsPerStep; ++r) {
      const __m256i whole = _mm256_add_epi32(_mm256_slli_epi32(upper[r], 15), lower[r]);
      const __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
      const __m128i wide = _mm_srai_epi32(_mm_add_epi32(sum, half), kWeightBits);
      const __m128i narrow = _mm_packs_epi32(wide, wide);
      const auto pixel = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(narrow, narrow)));
      // The fourth byte is overwritten by the next pixel; after the last there may be somebody else's memory.
      std::memcpy(dst[r] + static_cast<ptrdiff_t>(i) * 3, &pixel, last ? 3 : 4);
    }
  }
}

constexpr ResampleKernels kAvx2{"avx2", horizontal1_avx2, horizontal3_avx2, vertical_avx2};

#endif  // ZOO_X86_KERNELS

constexpr ResampleKernels kPortable{"portable", horizontal1_portable, horizontal3_portable, vertical_portable};

}  // namespace

std::vector<const ResampleKernels*> resample_kernels() {
  std::vector<const ResampleKernels*> sets = {&kPortable};
#ifdef ZOO_X86_KERNELS
  using engine::kernels::Isa;
  const engine::Capabilities& machine = engine::machine_capabilities();
  if (machine.has(Isa::kAvx2)) sets.push_back(&kAvx2);
  if (machine.avx512_vnni) sets.push_back(&avx512_resample_kernels());
#endif
  return sets;
}

#ifdef ZOO_X86_KERNELS
const ResampleKernels& avx2_resample_kernels() { return kAvx2; }
#endif

const ResampleKernels& best_resample_kernels() {
  static const ResampleKernels& best = *resample_kernels().back();
  return best;
}

}  // namespace zoo::pipeline
