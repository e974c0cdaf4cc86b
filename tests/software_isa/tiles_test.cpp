// Software tiles against Intel's definition written out, and against the processor's where it has them.
#include "tests/software_isa/tiles.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/machine/capabilities.h"
#include "tests/software_isa/intrinsics_cases.h"

namespace zoo::software_isa {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
T element(const Bytes& bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void set(Bytes& bytes, size_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0F, x) : x; }
float widened(uint16_t x) { return flushed(std::bit_cast<float>(uint32_t{x} << 16U)); }

/// TDPBF16PS, element by element.
Bytes expected_bf16(const TileProduct& product, const Bytes& positions, const Bytes& weights, Bytes sums) {
  const auto depth = static_cast<size_t>(product.row_bytes / 4);
  for (size_t m = 0; m < static_cast<size_t>(product.rows); ++m) {
    for (size_t n = 0; n < 16; ++n) {
      float even = 0.0F;
      float odd = 0.0F;
      for (size_t k = 0; k < depth; ++k) {
        const size_t pair = (m * depth + k) * 2;
        even = flushed(std::fma(widened(element<uint16_t>(positions, pair)),
                                widened(element<uint16_t>(weights, (k * 16 + n) * 2)), even));
        odd = flushed(std::fma(widened(element<uint16_t>(positions, pair + 1)),
                               widened(element<uint16_t>(weights, (k * 16 + n) * 2 + 1)), odd));
      }
      set(sums, m * 16 + n, flushed(flushed(element<float>(sums, m * 16 + n)) + flushed(even + odd)));
    }
  }
  return sums;
}

/// TDPBUSD.
Bytes expected_int8(const TileProduct& product, const Bytes& positions, const Bytes& weights, Bytes sums) {
  const auto depth = static_cast<size_t>(product.row_bytes / 4);
  for (size_t m = 0; m < static_cast<size_t>(product.rows); ++m) {
    for (size_t n = 0; n < 16; ++n) {
      auto sum = element<uint32_t>(sums, m * 16 + n);
      for (size_t i = 0; i < depth * 4; ++i) {
        sum += static_cast<uint32_t>(element<uint8_t>(positions, m * depth * 4 + i) *
                                     element<int8_t>(weights, (i / 4 * 16 + n) * 4 + i % 4));
      }
      set(sums, m * 16 + n, sum);
    }
  }
  return sums;
}

Bytes random_bytes(std::mt19937& random, size_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// bf16 of moderate size, here and there a denormal or a tiny one.
Bytes random_bf16(std::mt19937& random, size_t count) {
  Bytes bytes(count * 2);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t kind = random() % 16;
    const float x = std::uniform_real_distribution<float>(-2.0F, 2.0F)(random);
    const auto bits = std::bit_cast<uint32_t>(kind == 0 ? x * 0x1p-127F : kind == 1 ? x * 0x1p-70F : x);
    set(bytes, i, static_cast<uint16_t>(bits >> 16U));
  }
  return bytes;
}

bool may_use_tiles() {
  if (__builtin_cpu_supports("amx-tile") == 0 || __builtin_cpu_supports("amx-bf16") == 0) return false;
  if (__builtin_cpu_supports("amx-int8") == 0) return false;
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;  // ARCH_REQ_XCOMP_PERM, tile data
}

std::string name_of(const TileProduct& product) {
  return std::to_string(product.rows) + " rows of " + std::to_string(product.row_bytes) + " bytes";
}

/// Floats that differ in the sign of zero count as equal.
void expect_equal(const TileProduct& product, const Bytes& actual, const Bytes& expected) {
  for (size_t i = 0; i < expected.size() / 4; ++i) {
    if (product.of_bf16) {
      ASSERT_EQ(element<float>(actual, i), element<float>(expected, i)) << name_of(product) << ", sum " << i;
    } else {
      ASSERT_EQ(element<int32_t>(actual, i), element<int32_t>(expected, i)) << name_of(product) << ", sum " << i;
    }
  }
}

template <typename F>
void for_products(F f) {
  std::mt19937 random(3);
  for (const bool of_bf16 : {false, true}) {
    for (const int64_t rows : {1, 2, 7, 15, 16}) {
      for (const int64_t row_bytes : {4, 16, 60, 64}) {
        const auto bytes = static_cast<size_t>(rows * row_bytes);
        const TileProduct product = {.rows = rows, .row_bytes = row_bytes, .of_bf16 = of_bf16};
        const Bytes positions = of_bf16 ? random_bf16(random, bytes / 2) : random_bytes(random, bytes);
        const Bytes weights = of_bf16 ? random_bf16(random, 16 * 32) : random_bytes(random, 16 * 64);
        Bytes sums(16 * 64);
        for (size_t i = 0; i < 16 * 16; ++i) {
          const auto bits = static_cast<uint32_t>(random());  // its type has 64
          set(sums, i, of_bf16 ? std::bit_cast<uint32_t>(0.1F * static_cast<float>(i)) : bits);
        }
        f(product, positions, weights, sums);
      }
    }
  }
}

TEST(SoftwareTiles, MultiplyAsDefined) {
  for_products([](const TileProduct& product, const Bytes& positions, const Bytes& weights, const Bytes& sums) {
    Bytes actual = sums;
    multiply_software_tiles(product, positions.data(), weights.data(), actual.data());
    expect_equal(product, actual,
                 product.of_bf16 ? expected_bf16(product, positions, weights, sums)
                                 : expected_int8(product, positions, weights, sums));
  });
}

TEST(SoftwareTiles, EqualTheProcessors) {
  if (!may_use_tiles()) GTEST_SKIP() << "this processor has no AMX";
  for_products([](const TileProduct& product, const Bytes& positions, const Bytes& weights, const Bytes& sums) {
    Bytes actual = sums;
    multiply_software_tiles(product, positions.data(), weights.data(), actual.data());
    Bytes expected = sums;
    multiply_processor_tiles(product, positions.data(), weights.data(), expected.data());
    expect_equal(product, actual, expected);
  });
}

/// A configuration of one tile.
Bytes config_of(uint8_t rows, uint8_t row_bytes) {
  Bytes config(64);
  config[0] = std::byte{1};
  config[16] = std::byte{row_bytes};
  config[48] = std::byte{rows};
  return config;
}

TEST(SoftwareTiles, HoldWhatTheirShapeSays) {
  configure_tiles(config_of(2, 8).data());
  const Bytes src(64, std::byte{7});
  Bytes dst(64, std::byte{1});
  load_tile(0, src.data(), 8);
  store_tile(0, dst.data(), 16);
  for (size_t i = 0; i < dst.size(); ++i) {
    EXPECT_EQ(dst[i], i < 8 || (i >= 16 && i < 24) ? std::byte{7} : std::byte{1}) << i;
  }
  zero_tile(0);
  store_tile(0, dst.data(), 8);
  EXPECT_EQ(std::count(dst.begin(), dst.begin() + 16, std::byte{0}), 16);
  release_tiles();
}

TEST(SoftwareTilesDeathTest, RefuseWhatFaults) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto multiply = [](uint8_t rows, uint8_t row_bytes) {
    Bytes config = config_of(rows, row_bytes);
    for (size_t tile = 1; tile < 3; ++tile) {
      config[16 + 2 * tile] = std::byte{64};
      config[48 + tile] = std::byte{16};
    }
    configure_tiles(config.data());
    multiply_int8_tiles(0, 1, 2);
  };
  EXPECT_DEATH(zero_tile(0), "a tile without a configuration");
  EXPECT_DEATH(configure_tiles(config_of(17, 64).data()), "tiles that are too large");
  EXPECT_DEATH((configure_tiles(config_of(16, 64).data()), zero_tile(1)), "leaves out");
  EXPECT_DEATH(multiply(15, 64), "shapes do not fit");
  EXPECT_DEATH(multiply(16, 60), "shapes do not fit");
}

}  // namespace
}  // namespace zoo::software_isa
