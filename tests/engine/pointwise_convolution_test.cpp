// The pointwise convolution of every instruction set the machine has, against the reference engine.
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/aligned_buffer.h"
#include "nn/engine/convolution.h"
#include "nn/engine/reference_ops.h"
#include "tests/engine/blocked_maps.h"
#include "tests/support/compare.h"

namespace zoo::engine {
namespace {

using kernels::Isa;

struct PointwiseCase {
  Shape src;
  int64_t out_channels;
  int threads = 1;
};

std::string name_of(const PointwiseCase& c) {
  std::string name = "to" + std::to_string(c.out_channels) + "_from";
  for (const int64_t dim : c.src.dims) name += "_" + std::to_string(dim);
  return name + (c.threads > 1 ? "_threads" + std::to_string(c.threads) : "");
}

void PrintTo(const PointwiseCase& c, std::ostream* out) {
  *out << name_of(c);
}  // NOLINT(readability-identifier-naming)

struct Extras {
  kernels::ResolvedActivation activation;
  bool bias = true;
  bool residual = false;
};

ConvolutionProblem problem_of(const PointwiseCase& c, const Extras& extras) {
  ConvolutionProblem problem;
  problem.op.in_channels = c.src[1];
  problem.op.out_channels = c.out_channels;
  problem.op.weight = 0;
  problem.op.bias = extras.bias ? 1 : graph::kNone;
  problem.op.activation = {extras.activation.kind, 2};
  problem.src = c.src;
  problem.dst = {c.src[0], c.out_channels, c.src[2], c.src[3]};
  problem.pad = {{0, 0}, {0, 0}};
  problem.activation = extras.activation;
  problem.has_residual = extras.residual;
  problem.threads = c.threads;
  return problem;
}

class PointwiseConvolution : public ::testing::TestWithParam<std::tuple<Isa, PointwiseCase>> {
 protected:
  void SetUp() override {
    if (!kernels::is_supported(isa())) GTEST_SKIP() << "this processor lacks the instruction set";
  }

  static Isa isa() { return std::get<0>(GetParam()); }
  static const kernels::KernelTable& table() { return kernels::kernel_table(isa()); }
  /// The result, row-major.
  static std::vector<float> run(const ConvolutionProblem& problem, const std::vector<float>& x,
                                const std::vector<float>& weights, const std::vector<float>& bias,
                                const std::vector<float>& residual) {
    const auto kernel = make_pointwise_convolution(problem, table());
    const AlignedBuffer packed(kernel->packed_bytes());
    kernel->pack(weights, bias, packed.data());
    const BlockedMaps maps(table());
    const std::vector<float> src = maps.blocked(x, problem.src);
    const std::vector<float> other = maps.blocked(residual, problem.dst);
    std::vector<float> dst = maps.unwritten(problem.dst);
    kernel
        ->bind({.src = src.data(),
                .packed = packed.data(),
                .residual = problem.has_residual ? other.data() : nullptr,
                .dst = dst.data() + BlockedMaps::kGuard})
        ->run();
    return maps.planar(dst, problem.dst);
  }

  static void expect_equal(const Extras& extras) {
    const PointwiseCase& c = std::get<1>(GetParam());
    const ConvolutionProblem problem = problem_of(c, extras);
    const std::vector<float> x = random_values(problem.src.elements(), 1);
    // Keeps the sums within the range where activations bend.
    const float range = 2.0F / std::sqrt(static_cast<float>(c.src[1]));
    const std::vector<float> weights = random_values(c.out_channels * c.src[1], 2, range);
    const std::vector<float> bias = random_values(extras.bias ? c.out_channels : 0, 3);
    const std::vector<float> residual = random_values(problem.dst.elements(), 4);

    const std::vector<float> actual = run(problem, x, weights, bias, residual);
    ParameterValues values;
    const std::vector<float> slope = {extras.activation.slope};
    values.views = {weights, bias, slope};
    std::vector<reference::TensorView> srcs = {{problem.src, x}};
    if (extras.residual) srcs.push_back({problem.dst, residual});
    std::vector<float> expected(actual.size());
    reference::evaluate(problem.op, srcs, values, problem.dst, expected);
    EXPECT_TRUE(test::close_to_max(actual, expected, 2e-6));
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
  for (const ActivationKind kind :
       {ActivationKind::kIdentity, ActivationKind::kRelu, ActivationKind::kRelu6, ActivationKind::kPrelu,
        ActivationKind::kLeakyRelu, ActivationKind::kGelu, ActivationKind::kSilu, ActivationKind::kHardSwish,
        ActivationKind::kHardSigmoid, ActivationKind::kSigmoid}) {
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
  other.src_layout = Layout::kPlanar;
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2));
  other = fitting;
  other.op.pad = {1, 1};
  other.pad = {{1, 1}, {1, 1}};
  other.dst = {1, 32, 10, 10};
  EXPECT_FALSE(has_pointwise(other, Isa::kAvx2)) << "a border of zeros";
}

}  // namespace
}  // namespace zoo::engine
