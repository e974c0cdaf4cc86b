// The software <immintrin.h> against the compiler's, where the processor has the sets, and everywhere against what AVX2
// has of them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "tests/software_isa/intrinsics_cases.h"

namespace zoo::software_isa {
namespace {

constexpr uint32_t kSpecialFloats[] = {
    0x00000000U, 0x80000000U,               // zeros
    0x00000001U, 0x807FFFFFU,               // denormals
    0x00800000U, 0x80800000U,               // the smallest normal numbers
    0x7F7FFFFFU, 0xFF7FFFFFU,               // the largest
    0x7F800000U, 0xFF800000U,               // infinite
    0x7FC00000U, 0xFFC12345U, 0x7F800001U,  // NaN, the last one signalling
    0x3F000000U, 0xBF000000U, 0x40200000U,  // 0.5, -0.5, 2.5
    0x3F808000U, 0x3F818000U, 0x3F808001U,  // half a unit of bf16, and a little more
    0x4F000000U, 0xCF000000U, 0x4EFFFFFFU,  // 2^31, -2^31, the number below 2^31
    0x43000000U, 0xC3160000U, 0x42FE0000U,  // 128, -150, 127
};

/// Random bits, floats of moderate size, and special floats, in turns.
class RandomInputs {
 public:
  Inputs next() {
    Inputs inputs;
    for (Operand* operand : {&inputs.a, &inputs.b, &inputs.c}) {
      for (size_t i = 0; i < 16; ++i) {
        const uint32_t element = one();
        std::memcpy(operand->data() + i * sizeof(element), &element, sizeof(element));
      }
    }
    inputs.mask = uint64_t{random_()} << 32U | random_();
    ++round_;
    return inputs;
  }

 private:
  uint32_t one() {
    switch (round_ % 4) {
      case 0:
        return random_();
      case 1:
        return std::bit_cast<uint32_t>(std::uniform_real_distribution<float>(-300.0F, 300.0F)(random_));
      case 2:
        return kSpecialFloats[random_() % std::size(kSpecialFloats)];
      default:
        return static_cast<uint32_t>(std::uniform_int_distribution<int>(-70'000, 70'000)(random_));
    }
  }

  std::mt19937 random_{7};
  int round_ = 0;
};

bool is_equal(Yields yields, uint32_t a, uint32_t b) {
  if (a == b) return true;
  return yields == Yields::kFloats && std::isnan(std::bit_cast<float>(a)) && std::isnan(std::bit_cast<float>(b));
}

Operand run(const IntrinsicCase& c, const Inputs& inputs) {
  alignas(64) Operand out;
  out.fill(std::byte{0x5A});
  c.run(inputs, out);
  return out;
}

uint32_t element(const Operand& operand, size_t index) {
  uint32_t value = 0;
  std::memcpy(&value, operand.data() + index * sizeof(value), sizeof(value));
  return value;
}

void expect_equal(const IntrinsicCase& software, const IntrinsicCase& other) {
  SCOPED_TRACE(software.name);
  RandomInputs random;
  for (int round = 0; round < 400; ++round) {
    const Inputs inputs = random.next();
    const Operand actual = run(software, inputs);
    const Operand expected = run(other, inputs);
    for (size_t i = 0; i < 16; ++i) {
      ASSERT_TRUE(is_equal(software.yields, element(actual, i), element(expected, i)))
          << "round " << round << ", 32 bits " << i << std::hex << ": " << element(actual, i) << ", expected "
          << element(expected, i) << " of " << element(inputs.a, i) << " " << element(inputs.b, i) << " "
          << element(inputs.c, i) << " mask " << inputs.mask;
    }
  }
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vnni") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
}

TEST(SoftwareIntrinsics, EqualTheProcessors) {
  if (!has_avx512()) GTEST_SKIP() << "this processor has no AVX-512 with VNNI and BF16";
  const std::vector<IntrinsicCase> software = software_cases();
  const std::vector<IntrinsicCase> compiler = compiler_cases();
  ASSERT_EQ(software.size(), compiler.size());
  for (size_t i = 0; i < software.size(); ++i) expect_equal(software[i], compiler[i]);
}

TEST(SoftwareIntrinsics, EqualThoseOfAvx2) {
  const std::vector<IntrinsicCase> software = software_cases();
  for (const IntrinsicCase& expected : avx2_cases()) {
    const auto found = std::ranges::find(software, expected.name, &IntrinsicCase::name);
    ASSERT_NE(found, software.end()) << expected.name;
    expect_equal(*found, expected);
  }
}

/// Of the case's result for three operands of one element each, its first element.
uint32_t first_of(std::string_view name, uint32_t a, uint32_t b = 0, uint32_t c = 0) {
  Inputs inputs{};
  std::memcpy(inputs.a.data(), &a, sizeof(a));
  std::memcpy(inputs.b.data(), &b, sizeof(b));
  std::memcpy(inputs.c.data(), &c, sizeof(c));
  const std::vector<IntrinsicCase> cases = software_cases();
  return element(run(*std::ranges::find(cases, name, &IntrinsicCase::name), inputs), 0);
}

// What AVX2 does not have, by hand.

TEST(SoftwareIntrinsics, RoundToBf16) {
  const auto rounded = [](uint32_t bits) { return first_of("_mm512_cvtneps_pbh", bits) & 0xFFFFU; };
  EXPECT_EQ(rounded(0x3F808000U), 0x3F80U) << "half way, even below";
  EXPECT_EQ(rounded(0x3F818000U), 0x3F82U) << "half way, even above";
  EXPECT_EQ(rounded(0x3F808001U), 0x3F81U);
  EXPECT_EQ(rounded(0x7F7FFFFFU), 0x7F80U) << "the largest number";
  EXPECT_EQ(rounded(0xFF800000U), 0xFF80U) << "infinite";
  EXPECT_EQ(rounded(0x7F800001U), 0x7FC0U) << "NaN";
  EXPECT_EQ(rounded(0x807FFFFFU), 0x8000U) << "a denormal number";
}

TEST(SoftwareIntrinsics, AddProductsOfPairsOfBf16) {
  // The case's pairs are whole numbers: bytes 0 to 15 of an operand, then the high seven bits of its 32-bit elements.
  Inputs inputs{};
  inputs.a[0] = std::byte{3};
  inputs.a[1] = std::byte{5};
  inputs.a[2] = std::byte{255};
  inputs.b[0] = std::byte{7};
  inputs.b[1] = std::byte{11};
  inputs.b[2] = std::byte{255};
  inputs.b[35] = std::byte{0x80};
  inputs.a[35] = std::byte{0x7E};
  inputs.c[0] = std::byte{100};
  const std::vector<IntrinsicCase> cases = software_cases();
  const Operand sums = run(*std::ranges::find(cases, "_mm512_dpbf16_ps", &IntrinsicCase::name), inputs);
  const auto sum = [&](size_t i) { return std::bit_cast<float>(element(sums, i)); };
  EXPECT_EQ(sum(0), 100.0F + 3.0F * 7.0F + 5.0F * 11.0F);
  EXPECT_EQ(sum(1), 255.0F * 255.0F);
  EXPECT_EQ(sum(2), 0.0F);
  // Elements 16 and on come from 32-bit elements: number 8 is the even one of sum 12.
  EXPECT_EQ(sum(12), 63.0F * -64.0F);
}

TEST(SoftwareIntrinsics, PermuteTwoVectors) {
  Inputs inputs{};
  for (size_t i = 0; i < 64; ++i) inputs.a[i] = static_cast<std::byte>(i);
  for (size_t i = 0; i < 64; ++i) inputs.c[i] = static_cast<std::byte>(64 + i);
  const uint32_t index = 16U + 2U;  // the third of the second vector; bits above the fifth do not count
  std::memcpy(inputs.b.data(), &index, sizeof(index));
  const std::vector<IntrinsicCase> cases = software_cases();
  const auto result = [&](std::string_view name) {
    return run(*std::ranges::find(cases, name, &IntrinsicCase::name), inputs);
  };
  EXPECT_EQ(element(result("_mm512_permutex2var_epi32"), 0), 0x4B4A4948U);
  EXPECT_EQ(element(result("_mm512_permutex2var_epi32"), 1), 0x03020100U);
  EXPECT_EQ(element(result("_mm512_permutex2var_epi16"), 0), 0x01002524U) << "the nineteenth, the first";
}

}  // namespace
}  // namespace zoo::software_isa
