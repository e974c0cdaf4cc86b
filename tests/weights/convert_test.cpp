// Widening to float32, against definitions that are slow and obvious.
#include "nn/weights/convert.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::weights {
namespace {

/// Bits of a binary float with this many exponent and fraction bits, widened to float32 by its definition.
uint32_t widened_bits(uint32_t bits, int exponent_bits, int fraction_bits) {
  const uint32_t fraction = bits & ((1U << fraction_bits) - 1);
  const int exponent = static_cast<int>((bits >> fraction_bits) & ((1U << exponent_bits) - 1));
  const bool negative = ((bits >> (exponent_bits + fraction_bits)) & 1U) != 0;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == (1 << exponent_bits) - 1) {  // infinity, or NaN with its payload at the top of the fraction
    return (negative ? 0xFF800000U : 0x7F800000U) | (fraction << (23 - fraction_bits));
  }
  const double magnitude = exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                                         : std::ldexp(static_cast<double>(fraction | (1U << fraction_bits)),
                                                      exponent - bias - fraction_bits);
  return std::bit_cast<uint32_t>(static_cast<float>(negative ? -magnitude : magnitude));
}

struct NarrowType {
  DType dtype;
  int exponent_bits;
  int fraction_bits;
};

class Widen : public testing::TestWithParam<NarrowType> {
 protected:
  static StoredTensor tensor_of(const std::vector<uint16_t>& values) {
    return {"t", GetParam().dtype, Shape{static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))};
  }
  static uint32_t expected_bits(uint16_t bits) {
    return widened_bits(bits, GetParam().exponent_bits, GetParam().fraction_bits);
  }
  static std::vector<uint16_t> all_patterns() {
    std::vector<uint16_t> patterns(1U << 16U);
    for (size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<uint16_t>(i);
    return patterns;
  }
};

TEST_P(Widen, EveryPatternIsExact) {
  const std::vector<uint16_t> patterns = all_patterns();
  std::vector<float> values(patterns.size());
  widen(tensor_of(patterns), values);
  for (size_t i = 0; i < patterns.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), expected_bits(patterns[i])) << std::hex << patterns[i];
  }
}

TEST_P(Widen, FiniteIsToldFromNotFiniteForEveryPattern) {
  for (const uint16_t pattern : all_patterns()) {
    const std::vector<uint16_t> one = {pattern};
    ASSERT_EQ(all_finite(tensor_of(one)), std::isfinite(std::bit_cast<float>(expected_bits(pattern))))
        << std::hex << pattern;
  }
}

TEST_P(Widen, DataNeedNotBeAligned) {
  std::vector<std::byte> bytes(1 + 2 * 100);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  const StoredTensor tensor{"t", GetParam().dtype, Shape{100}, std::span(bytes).subspan(1)};
  const std::vector<float> values = to_float(tensor);
  ASSERT_EQ(values.size(), 100U);
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, tensor.data.data() + 2 * i, 2);
    ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), expected_bits(bits)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Convert, Widen,
                         testing::Values(NarrowType{DType::kF16, 5, 10}, NarrowType{DType::kBF16, 8, 7}),
                         [](const auto& test) { return std::string(to_string(test.param.dtype)); });

template <typename T>
StoredTensor stored(DType dtype, const std::vector<T>& values) {
  return {"t", dtype, Shape{static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

TEST(Convert, DoublesAreRoundedToNearest) {
  const std::vector<double> values = {1.0 + 0x1p-24, 1.0 + 0x1.8p-24, -0.1, 0x1p-149, 0x1p-151};
  EXPECT_THAT(to_float(stored(DType::kF64, values)),
              testing::ElementsAre(1.0F, 1.0F + 0x1p-23F, -0.1F, 0x1p-149F, 0.0F));
}

TEST(Convert, OneBadValueAnywhereIsFound) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const size_t size : {1U, 3U, 8U, 33U, 1000U}) {
    std::vector<float> values(size, std::numeric_limits<float>::max());
    EXPECT_TRUE(all_finite(stored(DType::kF32, values)));
    for (size_t i = 0; i < size; i += 1 + size / 37) {
      for (const float bad : {inf, -inf, nan, -nan}) {
        std::vector<float> damaged = values;
        damaged[i] = bad;
        EXPECT_FALSE(all_finite(stored(DType::kF32, damaged))) << i << " of " << size;
      }
    }
  }
}

TEST(Convert, DoublesBeyondFloatAreNotFinite) {
  EXPECT_TRUE(all_finite(stored<double>(DType::kF64, {3.4e38, -3.4e38, 1e-300})));
  EXPECT_FALSE(all_finite(stored<double>(DType::kF64, {0.0, 3.5e38})));
  EXPECT_FALSE(all_finite(stored<double>(DType::kF64, {std::nan("")})));
}

TEST(Convert, FiniteTakesDataThatAreNotAligned) {
  std::vector<std::byte> bytes(1 + 4 * 9);
  const float bad = std::numeric_limits<float>::infinity();
  std::memcpy(bytes.data() + 1 + 4 * 8, &bad, sizeof(bad));
  const auto data = std::span<const std::byte>(bytes).subspan(1);
  EXPECT_FALSE(all_finite({"t", DType::kF32, Shape{9}, data}));
  EXPECT_TRUE(all_finite({"t", DType::kF32, Shape{8}, data.first(32)}));
}

}  // namespace
}  // namespace zoo::weights
