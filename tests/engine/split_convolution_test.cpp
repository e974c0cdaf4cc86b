// Dense convolutions on AMX's tiles: as exact as f32.
#include <cmath>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/kernels/bf16/bf16.h"
#include "nn/engine/machine/capabilities.h"
#include "tests/engine/convolution_fixture.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct Case {
  Shape src;
  int64_t out_channels;
  int threads = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  graph::ResolvedPadding pad = {{0, 0}, {0, 0}};
};

std::string name_of(const Case& c) {
  std::string name = "k" + std::to_string(c.kernel) + "s" + std::to_string(c.stride);
  for (const graph::Size2d& pad : {c.pad.begin, c.pad.end}) name += "p" + std::to_string(pad.h) + std::to_string(pad.w);
  name += "_to" + std::to_string(c.out_channels) + "_from" + shape_name(c.src);
  return name + (c.threads > 1 ? "_threads" + std::to_string(c.threads) : "");
}

void PrintTo(const Case& c, std::ostream* out) { *out << name_of(c); }  // NOLINT(readability-identifier-naming)

const kernels::KernelTable& table() { return kernels::kernel_table(kernels::Isa::kAvx512); }

ConvolutionProblem problem_of(const Case& c, const Extras& extras) {
  ConvolutionProblem problem = dense_problem(c.src, c.out_channels, c.kernel, c.stride, c.pad, extras);
  problem.threads = c.threads;
  problem.machine = machine_capabilities();
  return problem;
}

class Split : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  }

  static void expect_equal(const Extras& extras) {
    expect_equals_reference(make_split_convolution, problem_of(GetParam(), extras), table(), 2e-6);
  }
};

TEST_P(Split, EqualsTheReference) {
  expect_equal({.activation = {ActivationKind::kIdentity}});
  expect_equal({.activation = {ActivationKind::kRelu}, .residual = true});
  expect_equal({.activation = {ActivationKind::kSigmoid}, .bias = false});
}

/// Layers of the zoo; then all numbers of tiles of positions and columns, tails of channels, several images and chunks,
/// paddings of one side, none and two, kernels of odd and even size.
std::vector<Case> cases() {
  std::vector<Case> cases = {
      {{1, 160, 16, 16}, 640}, {{1, 640, 16, 16}, 160}, {{1, 256, 8, 8}, 1024},    {{1, 1024, 8, 8}, 256},
      {{1, 48, 64, 64}, 192},  {{1, 80, 32, 32}, 480},  {{1, 16, 1, 1}, 16},       {{1, 16, 1, 5}, 48},
      {{2, 24, 7, 7}, 72},     {{3, 40, 1, 17}, 33},    {{1, 72, 5, 7}, 100},      {{1, 3, 9, 11}, 7},
      {{1, 33, 3, 11}, 65},    {{1, 64, 1, 33}, 16},    {{1, 800, 40, 40}, 17},    {{2, 128, 12, 12}, 80, 2},
      {{1, 96, 7, 7}, 576, 3}, {{5, 20, 3, 3}, 40, 4},  {{1, 200, 30, 31}, 56, 4}, {{2, 24, 9, 8}, 40, 1, 1, 2}};
  const graph::ResolvedPadding one = {{1, 1}, {1, 1}};
  for (const int64_t stride : {1, 2}) {
    cases.insert(cases.end(), {{{1, 32, 56, 56}, 96, 1, 3, stride, one},
                               {{1, 256, 12, 12}, 64, 1, 3, stride, one},
                               {{3, 17, 7, 7}, 23, 1, 3, stride, one},
                               {{2, 5, 1, 1}, 16, 1, 3, stride, one},
                               {{1, 130, 24, 31}, 33, 2, 3, stride, one},
                               {{2, 40, 15, 15}, 48, 5, 3, stride, one},
                               {{1, 20, 13, 16}, 16, 1, 3, stride, {{0, 0}, {0, 0}}},
                               {{1, 20, 13, 16}, 16, 1, 3, stride, {{0, 0}, {1, 1}}},
                               {{2, 16, 8, 9}, 18, 1, 3, stride, {{1, 0}, {0, 1}}},
                               {{1, 20, 13, 16}, 16, 1, 3, stride, {{2, 2}, {2, 2}}},
                               {{1, 20, 9, 10}, 16, 1, 2, stride, {{0, 0}, {1, 1}}},
                               {{1, 20, 9, 10}, 16, 1, 5, stride, {{2, 2}, {2, 2}}}});
    for (int64_t width = 1; width <= 35; width += 3) cases.push_back({{1, 21, 4, width}, 16, 1, 3, stride, one});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Table, Split, ::testing::ValuesIn(cases()), [](const auto& i) { return name_of(i.param); });

class SplitActivations : public ::testing::TestWithParam<ActivationKind> {};

TEST_P(SplitActivations, EqualTheReference) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  Extras extras;
  extras.activation = {GetParam(), 0.01F};
  extras.residual = true;
  expect_equals_reference(make_split_convolution, problem_of({{1, 40, 5, 9}, 24}, extras), table(), 2e-6);
}

INSTANTIATE_TEST_SUITE_P(All, SplitActivations, ::testing::ValuesIn(kAllActivations),
                         [](const auto& i) { return std::string(to_string(i.param)); });

/// One sum over `x` times `weights` by a kernel.
float product(ConvolutionProvider provider, const std::vector<float>& x, const std::vector<float>& of_each) {
  // Of a whole block of outputs: the lanes of a missing one would be 0 times x, not zero where x is not finite.
  const Case one = {{1, static_cast<int64_t>(x.size()), 1, 1}, table().lanes};
  std::vector<float> weights;
  for (int64_t i = 0; i < one.out_channels; ++i) weights.insert(weights.end(), of_each.begin(), of_each.end());
  const auto kernel = provider(problem_of(one, {.activation = {}, .bias = false}), table());
  const AlignedBuffer packed(kernel->packed_bytes());
  const AlignedBuffer scratch(kernel->scratch_bytes(1));
  kernel->pack(weights, {}, packed.data());
  const BlockedMaps maps(table());
  const std::vector<float> src = maps.blocked(x, one.src);
  const Shape shape = {1, one.out_channels, 1, 1};
  std::vector<float> dst = maps.unwritten(shape);
  kernel
      ->bind({.src = src.data(),
              .packed = packed.data(),
              .dst = dst.data() + BlockedMaps::kGuard,
              .scratch = scratch.data()})
      ->run();
  return dst[BlockedMaps::kGuard];
}

TEST(SplitExactness, KeepsEveryBitOfAValue) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  for (const float value : {1.0F + 0x1p-23F, 1.9999999F, -0x1.fffffep-3F, 0x1.234568p60F, -0x1.fedcbap-40F}) {
    EXPECT_EQ(product(make_split_convolution, {value}, {1.0F}), value);
    EXPECT_EQ(product(make_split_convolution, {1.0F}, {value}), value);
    EXPECT_EQ(product(make_split_convolution, {value}, {-0.5F}), -0.5F * value);
  }
}

TEST(SplitExactness, IsNotBelowThatOfVectors) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  // Root of the mean squares of the errors of many sums, in f64.
  const auto error = [](ConvolutionProvider provider) {
    double squares = 0.0;
    for (unsigned seed = 1; seed <= 200; ++seed) {
      const std::vector<float> x = random_values(480, seed);
      const std::vector<float> weights = random_values(480, 1000 + seed);
      double expected = 0.0;
      for (size_t i = 0; i < x.size(); ++i) expected += double{x[i]} * double{weights[i]};
      const double difference = product(provider, x, weights) - expected;
      squares += difference * difference;
    }
    return std::sqrt(squares / 200.0);
  };
  EXPECT_LE(error(make_split_convolution), error(make_pointwise_convolution));
}

TEST(SplitExactness, DoesNotHideWhatIsNotFinite) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_FALSE(std::isfinite(product(make_split_convolution, {1.0F, value}, {1.0F, 1.0F})));
  }
}

/// As ONEDNN_MAX_CPU_ISA=AVX2 leaves it on a machine with AMX, whatever the flag says.
TEST(SplitChoice, NoKernelOfOtherBlocksIsEverListed) {
  for (const auto isa : {kernels::Isa::kSse, kernels::Isa::kAvx2}) {
    if (!machine_capabilities().has(isa)) continue;
    const kernels::KernelTable& narrow = kernels::kernel_table(isa);
    const ConvolutionProblem problem = problem_of({{1, 128, 14, 14}, 128}, {.activation = {ActivationKind::kRelu}});
    EXPECT_EQ(make_split_convolution(problem, narrow), nullptr);
    const ConvolutionKernels all = f32_convolution_kernels(problem, narrow);
    EXPECT_FALSE(all.empty());
    for (const auto& kernel : all) EXPECT_EQ(kernel->lanes(), narrow.lanes) << kernel->name();
  }
}

graph::BoundGraph network() {
  graph::GraphBuilder b(24);
  b.output("y", b.conv(b.input(), "conv", {.out_channels = 40}));
  return bind_formula(b.take());
}

const Shape kInput = {1, 24, 9, 9};

TEST(SplitChoice, IsComparedWithOthersOnlyWhereItGainsOnASharedCore) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  const auto is_compared = [](const Shape& src, int64_t out_channels, int64_t kernel) {
    const int64_t pad = kernel / 2;
    const Case c = {.src = src, .out_channels = out_channels, .kernel = kernel, .pad = {{pad, pad}, {pad, pad}}};
    return !make_split_convolution(problem_of(c, {}), table())->is_last_resort();
  };
  EXPECT_TRUE(is_compared({1, 128, 14, 14}, 128, 1));
  EXPECT_FALSE(is_compared({1, 128, 14, 13}, 128, 1)) << "small map";
  EXPECT_FALSE(is_compared({1, 127, 14, 14}, 128, 1)) << "few inputs";
  EXPECT_FALSE(is_compared({1, 128, 14, 14}, 127, 1)) << "few outputs";
  EXPECT_FALSE(is_compared({1, 128, 14, 14}, 128, 3)) << "no 1x1 convolution";
}

TEST(SplitChoice, IsLeftOutWithAnotherInstructionSet) {
  if (!machine_capabilities().amx_bf16) GTEST_SKIP() << "this processor has no AMX";
  EXPECT_THAT(implementations(network(), kInput, options_for(InstructionSet::kAuto, 1, "own:split")),
              Contains(HasSubstr("own:split:amx")));
  try {
    Executable::compile(network(), kInput, options_for(InstructionSet::kAvx512, 1, "own:split"));
    FAIL() << "compiled";
  } catch (const EngineError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no convolution of this network has a kernel \"own:split\""));
  }
}

}  // namespace
}  // namespace zoo::engine
