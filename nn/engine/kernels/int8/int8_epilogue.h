// From sums to results, in the verbs of int8_vec.h or int8_vec256.h, which include this file behind them. Everything
// has internal linkage.
#pragma once

#include <concepts>
#include <cstdint>

#include "nn/engine/kernels/common/activations.h"
#include "nn/engine/kernels/common/weight_fetcher.h"
#include "nn/engine/kernels/int8/int8.h"

namespace zoo::engine::kernels {
namespace {

inline WeightFetcher fetcher_of(const Int8Ahead& ahead, int64_t steps) { return {ahead.begin, ahead.bytes, steps}; }

struct FloatsOps {
  using Value = Floats;

  [[gnu::always_inline]] static Floats splat(float x) { return kernels::splat(x); }
  [[gnu::always_inline]] static Floats larger(Floats a, Floats b) { return kernels::larger(a, b); }
  [[gnu::always_inline]] static Floats smaller(Floats a, Floats b) { return kernels::smaller(a, b); }
  [[gnu::always_inline]] static Floats multiply_add(Floats a, Floats b, Floats c) {
    return kernels::multiply_add(a, b, c);
  }
  [[gnu::always_inline]] static Floats if_positive(Floats x, Floats a, Floats b) {
    return kernels::if_positive(x, a, b);
  }
  [[gnu::always_inline]] static Floats power_of_two(Floats x) { return kernels::power_of_two(x); }
};

using FloatsActivations = Activations<FloatsOps>;

/// Rare, and too much code for every place that calls it.
[[gnu::noinline]] inline Floats activate(ResolvedActivation f, Floats x) { return FloatsActivations::activate(f, x); }

/// How a sum becomes a result, decided at compile time of a kernel. kClamped is kLinear with other limits than 0 and
/// 255.
enum class Finish { kLinear, kClamped, kHardSwish, kOther, kF32 };

/// The epilogue of one block of channels, with its factors in registers.
template <Finish kFinish>
class BlockEpilogue {
 public:
  /// Of 16 channels from `channel` on.
  BlockEpilogue(const Int8Epilogue& op, int64_t channel)
      : BlockEpilogue(op, [channel](const float* values) { return load_floats(values + channel); }) {}

  /// Of the channels whose values `load` takes from an array by channel.
  template <typename Load>
  requires std::invocable<Load, const float*> BlockEpilogue(const Int8Epilogue& op, Load load)
      : scale_(load(op.scale)), bias_(load(op.bias)), residual_scale_(splat(op.residual_scale)) {
    if constexpr (kFinish == Finish::kClamped) {
      low_ = splat_bytes(op.low);
      high_ = splat_bytes(op.high);
    }
    activation_ = op.activation;
    if constexpr (kFinish == Finish::kHardSwish || kFinish == Finish::kOther) {
      unit_ = load(op.unit);
      zero_ = load(op.zero);
    }
    if constexpr (kFinish == Finish::kHardSwish) unit_ = unit_ * splat(1.0F / 6.0F);
  }

  Floats scaled(Wholes sum) const { return multiply_add(to_floats(sum), scale_, bias_); }

  Floats add_residual(Floats x, const uint8_t* residual) const {
    return multiply_add(bytes_to_float(residual), residual_scale_, x);
  }

  Floats to_float(Floats x) const { return activate(activation_, x); }

  /// Whole numbers, to be limited to 0 .. 255, then by `limited`.
  Wholes to_whole(Floats x) const {
    if constexpr (kFinish == Finish::kHardSwish) {
      x = multiply_add(x, FloatsActivations::hard_gate(x, unit_), zero_);
    } else if constexpr (kFinish == Finish::kOther) {
      x = activate(activation_, x * unit_) / unit_ + zero_;
    }
    return to_wholes(x);
  }

  /// Of four positions.
  Bytes limited(Bytes results) const {
    if constexpr (kFinish == Finish::kClamped) return between(results, low_, high_);
    return results;
  }

 private:
  Floats scale_, bias_, residual_scale_;
  Floats unit_ = splat(0.0F);
  Floats zero_ = splat(0.0F);
  Bytes low_ = splat_bytes(0);
  Bytes high_ = splat_bytes(0);
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

/// Where the results of neighbouring positions go, and what is added to them.
struct Rows {
  const uint8_t* residual = nullptr;  ///< may be null
  int64_t residual_pitch = 0;
  std::byte* dst = nullptr;
  int64_t dst_pitch = 0;
  int64_t half_pitch = 0;  ///< of f32, see store_halves
};

/// Finishes `count` positions of one block of channels; sum(p) yields the sums of position p.
template <Finish kFinish, bool kResidual, typename Sum>
inline void finish_positions(const BlockEpilogue<kFinish>& epilogue, const Rows& rows, int64_t count, Sum sum) {
  const auto x = [&](int64_t p) __attribute__((always_inline)) {
    const Floats scaled = epilogue.scaled(sum(p));
    if constexpr (!kResidual) return scaled;
    return epilogue.add_residual(scaled, rows.residual + p * rows.residual_pitch);
  };
  if constexpr (kFinish == Finish::kF32) {
    for (int64_t p = 0; p < count; ++p) {
      auto* to = reinterpret_cast<float*>(rows.dst + p * rows.dst_pitch);
      store_halves(to, rows.half_pitch, epilogue.to_float(x(p)));
    }
  } else {
    const auto whole = [&](int64_t p) __attribute__((always_inline)) { return epilogue.to_whole(x(p)); };
    int64_t p = 0;
    for (; p + 4 <= count; p += 4) {
      const Bytes packed = epilogue.limited(pack_four(whole(p), whole(p + 1), whole(p + 2), whole(p + 3)));
      store_positions(by_position(packed), 4, rows.dst + p * rows.dst_pitch, rows.dst_pitch);
    }
    if (p == count) return;
    const int64_t last = count - 1;
    const Bytes packed =
        epilogue.limited(pack_four(whole(p), whole(p + 1 < last ? p + 1 : last), whole(last), whole(last)));
    store_positions(by_position(packed), count - p, rows.dst + p * rows.dst_pitch, rows.dst_pitch);
  }
}

}  // namespace
}  // namespace zoo::engine::kernels
