// Every own kernel of every instruction set the machine has, against plain loops.
#include "nn/engine/kernels/f32/kernels.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/machine/capabilities.h"
#include "nn/engine/reference/reference_ops.h"
#include "tests/support/compare.h"

namespace zoo::engine::kernels {
namespace {

std::vector<float> random_values(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-4.0F, 4.0F);
  std::vector<float> values(count);
  for (float& v : values) v = uniform(random);
  return values;
}

struct ShapeCase {
  int64_t images;
  int64_t channels;
  int64_t area;
};

class Kernels : public ::testing::TestWithParam<std::tuple<Isa, ShapeCase>> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(std::get<0>(GetParam())))
      GTEST_SKIP() << "this processor lacks the instruction set";
  }

  const KernelTable& table() const { return kernel_table(std::get<0>(GetParam())); }
  const ShapeCase& shape() const { return std::get<1>(GetParam()); }
  int64_t blocks() const { return shape().images * block_count(shape().channels, table().lanes); }
  size_t planar_size() const { return static_cast<size_t>(shape().images * shape().channels * shape().area); }

  std::vector<float> blocked(const std::vector<float>& planar, int64_t area) const {
    std::vector<float> result(static_cast<size_t>(blocks() * area * table().lanes), -99.0F);
    table().to_blocked(planar.data(), result.data(), shape().channels, area, 0, blocks());
    return result;
  }
  std::vector<float> planar(const std::vector<float>& source, int64_t area) const {
    std::vector<float> result(static_cast<size_t>(shape().images * shape().channels * area));
    table().to_planar(source.data(), result.data(), shape().channels, area, 0, blocks());
    return result;
  }
  /// The lanes beyond the last channel must be zero: convolutions rely on it.
  void expect_zero_tail(const std::vector<float>& values, int64_t area) const {
    const int64_t per_image = block_count(shape().channels, table().lanes);
    for (int64_t item = per_image - 1; item < blocks(); item += per_image) {
      for (int64_t i = 0; i < area * table().lanes; ++i) {
        const bool tail = (per_image - 1) * table().lanes + i % table().lanes >= shape().channels;
        if (tail) {
          ASSERT_EQ(values[static_cast<size_t>(item * area * table().lanes + i)], 0.0F);
        }
      }
    }
  }
};

TEST_P(Kernels, RelayoutsRoundTrip) {
  const std::vector<float> source = random_values(planar_size(), 1);
  const std::vector<float> there = blocked(source, shape().area);
  expect_zero_tail(there, shape().area);
  EXPECT_EQ(planar(there, shape().area), source);
}

TEST_P(Kernels, GlobalAvgPoolIsTheMean) {
  const std::vector<float> source = random_values(planar_size(), 2);
  std::vector<float> pooled(static_cast<size_t>(blocks() * table().lanes));
  table().global_avg_pool(blocked(source, shape().area).data(), pooled.data(), shape().area, 0, blocks());
  const auto area = static_cast<size_t>(shape().area);
  std::vector<float> expected(planar_size() / area);
  for (size_t i = 0; i < expected.size(); ++i) {
    double sum = 0.0;
    for (size_t p = 0; p < area; ++p) sum += source[i * area + p];
    expected[i] = static_cast<float>(sum / static_cast<double>(area));
  }
  EXPECT_TRUE(test::close_to_max(planar(pooled, 1), expected, 1e-5));
}

TEST_P(Kernels, MatVecEqualsTheDotProducts) {
  constexpr int64_t kOutputs = 150;  // ten blocks of AVX-512: some in fours, some alone
  const int64_t inputs = shape().channels;
  const std::vector<float> x = random_values(static_cast<size_t>(shape().images * inputs), 3);
  const std::vector<float> weights = random_values(static_cast<size_t>(kOutputs * inputs), 4);
  const int64_t lanes = table().lanes;
  const int64_t out_blocks = block_count(kOutputs, lanes);
  std::vector<float> bias = random_values(static_cast<size_t>(out_blocks * lanes), 5);
  std::vector<float> packed(static_cast<size_t>(out_blocks * inputs * lanes));
  pack_matrix(weights.data(), kOutputs, inputs, lanes, packed.data());
  std::vector<float> y(static_cast<size_t>(shape().images * out_blocks * lanes), -99.0F);
  const MatVec op{packed.data(), bias.data(), inputs, kOutputs, {ActivationKind::kHardSwish, 0.0F}};
  table().mat_vec(op, x.data(), inputs, y.data(), out_blocks * lanes, shape().images, 0, out_blocks);

  std::vector<float> actual;
  std::vector<float> expected;
  for (int64_t n = 0; n < shape().images; ++n) {
    for (int64_t o = 0; o < out_blocks * lanes; ++o) {
      const float value = y[static_cast<size_t>(n * out_blocks * lanes + o)];
      if (o >= kOutputs) {
        EXPECT_EQ(value, 0.0F);
        continue;
      }
      double sum = bias[static_cast<size_t>(o)];
      for (int64_t i = 0; i < inputs; ++i) {
        sum +=
            static_cast<double>(weights[static_cast<size_t>(o * inputs + i)]) * x[static_cast<size_t>(n * inputs + i)];
      }
      actual.push_back(value);
      expected.push_back(static_cast<float>(reference::activate(ActivationKind::kHardSwish, sum, 0.0)));
    }
  }
  EXPECT_TRUE(test::close_to_max(actual, expected, 1e-5));
}

TEST_P(Kernels, ScaleMultipliesByTheGate) {
  const std::vector<float> source = random_values(planar_size(), 6);
  const std::vector<float> gate = random_values(static_cast<size_t>(shape().images * shape().channels), 7);
  std::vector<float> values = blocked(source, shape().area);
  table().scale(values.data(), blocked(gate, 1).data(), values.data(), shape().area, 0, blocks());
  std::vector<float> expected = source;
  for (size_t i = 0; i < expected.size(); ++i) expected[i] *= gate[i / static_cast<size_t>(shape().area)];
  EXPECT_EQ(planar(values, shape().area), expected);
}

TEST_P(Kernels, MapComputesEveryActivationAndKeepsTheTailZero) {
  const std::vector<float> source = random_values(planar_size(), 8);
  const std::vector<float> other = random_values(planar_size(), 9);
  for (const std::string& name : activation_names()) {
    const ResolvedActivation f{*activation_from_name(name), 0.3F};
    std::vector<float> values = blocked(source, shape().area);
    const std::vector<float> addend = blocked(other, shape().area);
    table().map(values.data(), addend.data(), values.data(), f, shape().channels, shape().area, 0, blocks());
    expect_zero_tail(values, shape().area);
    std::vector<float> expected(source.size());
    const double slope = f.kind == ActivationKind::kLeakyRelu ? 0.3 / 0.01 : 0.3;
    for (size_t i = 0; i < expected.size(); ++i) {
      const double x = static_cast<double>(source[i]) + other[i];
      const bool leaky = f.kind == ActivationKind::kLeakyRelu && x < 0.0;
      expected[i] = static_cast<float>(reference::activate(f.kind, leaky ? x * slope : x, slope));
    }
    EXPECT_TRUE(test::close_to_max(planar(values, shape().area), expected, 1e-6)) << name;
  }
}

TEST_P(Kernels, InstanceNormHasZeroMeanAndUnitVariance) {
  constexpr double kEps = 1e-3;
  const std::vector<float> source = random_values(planar_size(), 10);
  std::vector<float> values = blocked(source, shape().area);
  table().instance_norm(values.data(), values.data(), kEps, shape().area, 0, blocks());
  expect_zero_tail(values, shape().area);
  const graph::InstanceNorm op{shape().channels, kEps};
  const Shape tensor{shape().images, shape().channels, 1, shape().area};
  std::vector<float> expected(source.size());
  const std::vector<reference::TensorView> views = {{tensor, source}};
  reference::evaluate(op, views, {}, tensor, expected);
  // With one position the result is exactly zero on both sides.
  if (shape().area > 1) {
    EXPECT_TRUE(test::close_to_max(planar(values, shape().area), expected, 1e-5));
  } else {
    EXPECT_EQ(planar(values, shape().area), expected);
  }
}

std::string case_name(const ::testing::TestParamInfo<Kernels::ParamType>& info) {
  const ShapeCase& c = std::get<1>(info.param);
  return std::string(to_string(std::get<0>(info.param))) + "_" + std::to_string(c.images) + "x" +
         std::to_string(c.channels) + "x" + std::to_string(c.area);
}

INSTANTIATE_TEST_SUITE_P(AllSets, Kernels,
                         ::testing::Combine(::testing::Values(Isa::kSse, Isa::kAvx2, Isa::kAvx512),
                                            ::testing::Values(ShapeCase{1, 16, 49}, ShapeCase{2, 24, 10},
                                                              ShapeCase{5, 1, 3}, ShapeCase{3, 17, 1},
                                                              ShapeCase{9, 40, 7})),
                         case_name);

}  // namespace
}  // namespace zoo::engine::kernels
