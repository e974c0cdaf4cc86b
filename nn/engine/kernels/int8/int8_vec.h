// Vectors of 16 channels for the int8 kernels of AVX-512; see int8.h. Everything has internal linkage, so that nothing
// compiled for these sets can be picked by the linker for a lesser machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <immintrin.h>

#include "nn/engine/kernels/common/weight_fetcher.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

inline WeightFetcher fetcher_of(const Int8Ahead& ahead, int64_t steps) { return {ahead.begin, ahead.bytes, steps}; }

template <typename F>
inline __m512 per_lane(__m512 v, F f) {
  alignas(64) float values[kInt8Lanes];
  _mm512_store_ps(values, v);
  for (float& value : values) value = f(value);
  return _mm512_load_ps(values);
}

/// The larger and the smaller of a limit and x. x86 yields the second operand where one is NaN: so NaN stays NaN.
inline __m512 at_least(float limit, __m512 x) { return _mm512_max_ps(_mm512_set1_ps(limit), x); }
inline __m512 at_most(float limit, __m512 x) { return _mm512_min_ps(_mm512_set1_ps(limit), x); }

/// clamp(x * factor + 1 / 2, 0, 1).
inline __m512 hard_gate(__m512 x, __m512 factor) {
  return at_most(1.0F, at_least(0.0F, _mm512_fmadd_ps(x, factor, _mm512_set1_ps(0.5F))));
}

/// Rare, and too much code for every place that calls it.
[[gnu::noinline]] inline __m512 activate(ResolvedActivation f, __m512 x) {
  switch (f.kind) {
    case ActivationKind::kIdentity:
      return x;
    case ActivationKind::kRelu:
      return at_least(0.0F, x);
    case ActivationKind::kRelu6:
      return at_most(6.0F, at_least(0.0F, x));
    case ActivationKind::kPrelu:
    case ActivationKind::kLeakyRelu: {
      const __mmask16 not_positive = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NGT_UQ);
      return _mm512_mask_mul_ps(x, not_positive, x, _mm512_set1_ps(f.slope));
    }
    case ActivationKind::kGelu:
      return per_lane(x, [](float v) { return 0.5F * v * (1.0F + std::erf(v * 0.70710678F)); });
    case ActivationKind::kSilu:
      return per_lane(x, [](float v) { return v / (1.0F + std::exp(-v)); });
    case ActivationKind::kHardSwish:
      return _mm512_mul_ps(x, hard_gate(x, _mm512_set1_ps(1.0F / 6.0F)));
    case ActivationKind::kHardSigmoid:
      return hard_gate(x, _mm512_set1_ps(1.0F / 6.0F));
    case ActivationKind::kSigmoid:
      return per_lane(x, [](float v) { return 1.0F / (1.0F + std::exp(-v)); });
  }
  return x;
}

inline __m512 bytes_to_float(const uint8_t* bytes) {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(packed));
}

/// How a sum becomes a result, decided at compile time of a kernel. kClamped is kLinear with other limits than 0 and
/// 255.
enum class Finish { kLinear, kClamped, kHardSwish, kOther, kF32 };

/// The epilogue of one block of channels, with its factors in registers.
template <Finish kFinish>
class BlockEpilogue {
 public:
  /// Of 16 channels from `channel` on.
  BlockEpilogue(const Int8Epilogue& op, int64_t channel)
      : BlockEpilogue(op, [channel](const float* values) { return _mm512_loadu_ps(values + channel); }) {}

  /// Of the channels whose values `load` takes from an array by channel.
  template <typename Load>
  requires std::invocable<Load, const float*> BlockEpilogue(const Int8Epilogue& op, Load load)
      : scale_(load(op.scale)), bias_(load(op.bias)), residual_scale_(_mm512_set1_ps(op.residual_scale)) {
    if constexpr (kFinish == Finish::kClamped) {
      low_ = _mm512_set1_epi8(static_cast<char>(op.low));
      high_ = _mm512_set1_epi8(static_cast<char>(op.high));
    }
    activation_ = op.activation;
    if constexpr (kFinish == Finish::kHardSwish || kFinish == Finish::kOther) {
      unit_ = load(op.unit);
      zero_ = load(op.zero);
    }
    if constexpr (kFinish == Finish::kHardSwish) unit_ = _mm512_mul_ps(unit_, _mm512_set1_ps(1.0F / 6.0F));
  }

  __m512 scaled(__m512i sum) const { return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale_, bias_); }

  __m512 add_residual(__m512 x, const uint8_t* residual) const {
    return _mm512_fmadd_ps(bytes_to_float(residual), residual_scale_, x);
  }

  __m512 to_float(__m512 x) const { return activate(activation_, x); }

  /// Whole numbers, to be limited to 0 .. 255, then by `limited`.
  __m512i to_whole(__m512 x) const {
    if constexpr (kFinish == Finish::kHardSwish) {
      x = _mm512_fmadd_ps(x, hard_gate(x, unit_), zero_);
    } else if constexpr (kFinish == Finish::kOther) {
      x = _mm512_add_ps(_mm512_div_ps(activate(activation_, _mm512_mul_ps(x, unit_)), unit_), zero_);
    }
    return _mm512_cvtps_epi32(x);
  }

  /// Of 64 results.
  __m512i limited(__m512i results) const {
    if constexpr (kFinish == Finish::kClamped) return _mm512_min_epu8(_mm512_max_epu8(results, low_), high_);
    return results;
  }

 private:
  __m512 scale_, bias_, residual_scale_;
  __m512 unit_ = _mm512_setzero_ps();
  __m512 zero_ = _mm512_setzero_ps();
  __m512i low_ = _mm512_setzero_si512();
  __m512i high_ = _mm512_setzero_si512();
  ResolvedActivation activation_;
};

/// Calls `f` with the Finish of an epilogue as a constant: f.template operator()<kFinish>().
template <typename F>
inline void with_finish(const Int8Epilogue& op, F f) {
  if (op.to_f32) return f.template operator()<Finish::kF32>();
  switch (op.mode) {
    case Int8Epilogue::Mode::kLinear:
      if (op.low == 0 && op.high == 255) return f.template operator()<Finish::kLinear>();
      return f.template operator()<Finish::kClamped>();
    case Int8Epilogue::Mode::kHardSwish:
      return f.template operator()<Finish::kHardSwish>();
    case Int8Epilogue::Mode::kOther:
      return f.template operator()<Finish::kOther>();
  }
}

/// Four positions' whole numbers, limited to 0 .. 255: quarter q of the result has channels 4 q to 4 q + 3 of the first
/// position, then of the second and so on.
inline __m512i pack_four(__m512i a, __m512i b, __m512i c, __m512i d) {
  return _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
}

/// Quarter p of the result has the channels of position p.
inline __m512i by_position(__m512i packed) {
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  return _mm512_permutexvar_epi32(order, packed);
}

/// Stores the first `count` of four positions.
inline void store_positions(__m512i positions, int64_t count, std::byte* dst, int64_t pitch) {
  const auto at = [&](int64_t p) { return reinterpret_cast<__m128i*>(dst + p * pitch); };
  _mm_storeu_si128(at(0), _mm512_castsi512_si128(positions));
  if (count > 1) _mm_storeu_si128(at(1), _mm512_extracti32x4_epi32(positions, 1));
  if (count > 2) _mm_storeu_si128(at(2), _mm512_extracti32x4_epi32(positions, 2));
  if (count > 3) _mm_storeu_si128(at(3), _mm512_extracti32x4_epi32(positions, 3));
}

/// Where the results of neighbouring positions go, and what is added to them.
struct Rows {
  const uint8_t* residual = nullptr;  ///< may be null
  int64_t residual_pitch = 0;
  std::byte* dst = nullptr;
  int64_t dst_pitch = 0;
};

/// Finishes `count` positions of one block of channels; sum(p) yields the sums of position p.
template <Finish kFinish, bool kResidual, typename Sum>
inline void finish_positions(const BlockEpilogue<kFinish>& epilogue, const Rows& rows, int64_t count, Sum sum) {
  const auto x = [&](int64_t p) {
    const __m512 scaled = epilogue.scaled(sum(p));
    if constexpr (!kResidual) return scaled;
    return epilogue.add_residual(scaled, rows.residual + p * rows.residual_pitch);
  };
  if constexpr (kFinish == Finish::kF32) {
    for (int64_t p = 0; p < count; ++p) _mm512_storeu_ps(rows.dst + p * rows.dst_pitch, epilogue.to_float(x(p)));
  } else {
    const auto whole = [&](int64_t p) { return epilogue.to_whole(x(p)); };
    int64_t p = 0;
    for (; p + 4 <= count; p += 4) {
      const __m512i packed = epilogue.limited(pack_four(whole(p), whole(p + 1), whole(p + 2), whole(p + 3)));
      store_positions(by_position(packed), 4, rows.dst + p * rows.dst_pitch, rows.dst_pitch);
    }
    if (p == count) return;
    const int64_t last = count - 1;
    const __m512i packed =
        epilogue.limited(pack_four(whole(p), whole(p + 1 < last ? p + 1 : last), whole(last), whole(last)));
    store_positions(by_position(packed), count - p, rows.dst + p * rows.dst_pitch, rows.dst_pitch);
  }
}

/// The same for two neighbouring blocks, not of Finish::kF32; sum(b, p) yields the sums of block b.
template <Finish kFinish, bool kResidual, typename Sum>
inline void finish_block_pairs(const BlockEpilogue<kFinish> (&epilogues)[2], const Rows& rows, int64_t count, Sum sum) {
  const auto whole = [&](size_t b, int64_t p) {
    __m512 x = epilogues[b].scaled(sum(b, p));
    if constexpr (kResidual) {
      const auto lane = static_cast<int64_t>(b) * kInt8Lanes;
      x = epilogues[b].add_residual(x, rows.residual + p * rows.residual_pitch + lane);
    }
    return epilogues[b].to_whole(x);
  };
  const auto store = [&](int64_t p, __m256i results) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows.dst + p * rows.dst_pitch), results);
  };
  for (int64_t p = 0; p < count; p += 2) {
    const int64_t next = std::min(p + 1, count - 1);
    const __m512i packed = pack_four(whole(0, p), whole(1, p), whole(0, next), whole(1, next));
    const __m512i results = by_position(epilogues[0].limited(packed));
    store(p, _mm512_castsi512_si256(results));
    if (next > p) store(next, _mm512_extracti64x4_epi64(results, 1));
  }
}

}  // namespace
}  // namespace zoo::engine::kernels
