// The pointwise convolution of every instruction set the machine has, against the reference engine.
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/machine/capabilities.h"
#include "tests/engine/convolution_fixture.h"

namespace zoo::engine {
namespace {

using kernels::Isa;

struct PointwiseCase {
  Shape src;
  int64_t out_channels;
  int threads = 1;
};

std::string name_of(const PointwiseCase& c) {
  const std::string name = "to" + std::to_string(c.out_channels) + "_from" + shape_name(c.src);
  return name + (c.threads > 1 ? "_threads" + std::to_string(c.threads) : "");
}

void PrintTo(const PointwiseCase& c, std::ostream* out) {
  *out << name_of(c);
}  // NOLINT(readability-identifier-naming)

ConvolutionProblem problem_of(const PointwiseCase& c, const Extras& extras) {
  ConvolutionProblem problem = dense_problem(c.src, c.out_channels, 1, 1, {{0, 0}, {0, 0}}, extras);
  problem.threads = c.threads;
  return problem;
}

class PointwiseConvolution : public ::testing::TestWithParam<std::tuple<Isa, PointwiseCase>> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(isa())) GTEST_SKIP() << "this processor lacks the instruction set";
  }

  static Isa isa() { return std::get<0>(GetParam()); }
  static void expect_equal(const Extras& extras) {
    expect_equals_reference(make_pointwise_convolution, problem_of(std::get<1>(GetParam()), extras),
                            kernels::kernel_table(isa()), 2e-6);
  }
};

TEST_P(PointwiseConvolution, EqualsTheReference) {
  expect_equal({.activation = {ActivationKind::kIdentity}});
  expect_equal({.activation = {ActivationKind::kRelu}, .residual = true});
  expect_equal({.activation = {ActivationKind::kSigmoid}, .bias = false});
}

std::string case_name(const ::testing::TestParamInfo<PointwiseConvolution::ParamType>& info) {
  return std::string(kernels::to_string(std::get<0>(info.param))) + "_" + name_of(std::get<1>(info.param));
}

/// Layers of the zoo; then every tile and every number of blocks, tails of both channels, one position, several images.
std::vector<PointwiseCase> pointwise_cases() {
  std::vector<PointwiseCase> cases = {
      {{1, 16, 56, 56}, 64}, {{1, 24, 28, 28}, 72},  {{1, 480, 14, 14}, 112}, {{1, 160, 7, 7}, 960},
      {{1, 960, 7, 7}, 160}, {{2, 40, 14, 14}, 120}, {{3, 17, 7, 7}, 23},     {{1, 3, 5, 9}, 1},
      {{2, 72, 1, 1}, 40},   {{1, 1, 1, 1}, 1},      {{1, 96, 13, 11}, 33},   {{8, 24, 3, 3}, 88},
  };
  for (int64_t width = 1; width <= 29; ++width) cases.push_back({{1, 21, 1, width}, 16});
  for (const int64_t blocks : {2, 3, 4, 5, 6, 7, 9}) {
    for (int64_t width = 1; width <= 15; ++width) cases.push_back({{1, 9, 1, width}, blocks * 8});
    cases.push_back({{1, 33, 7, 7}, blocks * 16 - 3});
  }
  for (const int threads : {2, 5}) {
    cases.push_back({{1, 40, 7, 7}, 96, threads});
    cases.push_back({{3, 64, 14, 14}, 24, threads});
    cases.push_back({{1, 16, 1, 1}, 16, threads});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AllSets, PointwiseConvolution,
                         ::testing::Combine(::testing::Values(Isa::kAvx2, Isa::kAvx512),
                                            ::testing::ValuesIn(pointwise_cases())),
                         case_name);

class PointwiseActivation : public PointwiseConvolution {};

TEST_P(PointwiseActivation, EqualsTheReference) {
  for (const ActivationKind kind : kAllActivations) {
    SCOPED_TRACE(to_string(kind));
    expect_equal({.activation = {kind, kLeakyReluSlope}});
    expect_equal({.activation = {kind, kLeakyReluSlope}, .residual = true});
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, PointwiseActivation,
                         ::testing::Combine(::testing::Values(Isa::kAvx2, Isa::kAvx512),
                                            ::testing::Values(PointwiseCase{{2, 35, 7, 7}, 77},
                                                              PointwiseCase{{1, 16, 4, 7}, 13})),
                         case_name);

bool has_pointwise(const ConvolutionProblem& problem, Isa isa) {
  return make_pointwise_convolution(problem, kernels::kernel_table(isa)) != nullptr;
}

TEST(PointwiseConvolutionProvider, TakesOnlyWhatItCanDo) {
  const ConvolutionProblem fitting = problem_of({{1, 16, 8, 8}, 32}, {});
  EXPECT_TRUE(has_pointwise(fitting, Isa::kAvx2));
  EXPECT_TRUE(has_pointwise(fitting, Isa::kAvx512));
  EXPECT_FALSE(has_pointwise(fitting, Isa::kSse));

  ConvolutionProblem other = fitting;
  other.op.kernel = {3, 1};
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2));
  other = fitting;
  other.op.stride = {2, 2};
  other.dst = {1, 32, 4, 4};
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2));
  other = fitting;
  other.op.groups = 2;
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2));
  other = fitting;
  other.src_format = kPlanarF32;
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2));
  other = fitting;
  other.op.pad = {1, 1};
  other.pad = {{1, 1}, {1, 1}};
  other.dst = {1, 32, 10, 10};
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2)) << "a border of zeros";
}

}  // namespace
}  // namespace zoo::engine
