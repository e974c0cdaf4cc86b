// The 3x3 convolution with fewer multiplications of every instruction set the machine has, alone and with the pointwise
// one that reads it, against the reference engine.
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/machine/capabilities.h"
#include "tests/engine/convolution_fixture.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using kernels::Isa;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// Values are added before they are multiplied, which costs a bit or two beside the sum in order.
constexpr double kTolerance = 4e-6;

struct WinogradCase {
  int64_t stride;
  Shape src;
  int64_t out_channels;
  graph::ResolvedPadding pad = {{1, 1}, {1, 1}};
  int threads = 1;
};

std::string name_of(const WinogradCase& c) {
  std::string name = "s" + std::to_string(c.stride) + "_to" + std::to_string(c.out_channels) + "_from";
  name += shape_name(c.src) + "_pad";
  for (const int64_t side : {c.pad.begin.h, c.pad.begin.w, c.pad.end.h, c.pad.end.w}) name += std::to_string(side);
  return name + (c.threads > 1 ? "_threads" + std::to_string(c.threads) : "");
}

void PrintTo(const WinogradCase& c, std::ostream* out) { *out << name_of(c); }  // NOLINT(readability-identifier-naming)

ConvolutionProblem problem_of(const WinogradCase& c, const Extras& extras) {
  ConvolutionProblem problem = dense_problem(c.src, c.out_channels, 3, c.stride, c.pad, extras);
  problem.threads = c.threads;
  return problem;
}

class WinogradConvolution : public ::testing::TestWithParam<std::tuple<Isa, WinogradCase>> {
 protected:
  void SetUp() override {
    if (!machine_capabilities().has(isa())) GTEST_SKIP() << "this processor lacks the instruction set";
  }

  static Isa isa() { return std::get<0>(GetParam()); }
  static void expect_equal(const Extras& extras) {
    expect_equals_reference(make_winograd_convolution, problem_of(std::get<1>(GetParam()), extras),
                            kernels::kernel_table(isa()), kTolerance);
  }
};

TEST_P(WinogradConvolution, EqualsTheReference) {
  expect_equal({.activation = {ActivationKind::kIdentity}});
  expect_equal({.activation = {ActivationKind::kRelu}, .residual = true});
  expect_equal({.activation = {ActivationKind::kSigmoid}, .bias = false});
}

std::string case_name(const ::testing::TestParamInfo<WinogradConvolution::ParamType>& info) {
  return std::string(kernels::to_string(std::get<0>(info.param))) + "_" + name_of(std::get<1>(info.param));
}

/// Layers of the zoo; every number of tiles and every odd end, paddings of one side, none and two, tails of both
/// channels, one position, several images, more threads than tiles.
std::vector<WinogradCase> winograd_cases() {
  std::vector<WinogradCase> cases;
  for (const int64_t stride : {1, 2}) {
    cases.insert(cases.end(), {{stride, {1, 32, 56, 56}, 96},
                               {stride, {1, 96, 20, 20}, 96},
                               {stride, {2, 40, 14, 14}, 24},
                               {stride, {3, 17, 7, 7}, 23},
                               {stride, {1, 256, 5, 5}, 64},
                               {stride, {1, 3, 9, 21}, 1},
                               {stride, {2, 5, 1, 1}, 16},
                               {stride, {1, 130, 24, 31}, 33}});
    for (int64_t width = 1; width <= 29; ++width) cases.push_back({stride, {1, 21, 4, width}, 16});
    for (int64_t height = 2; height <= 8; ++height) cases.push_back({stride, {2, 9, height, 11}, 40});
    for (const graph::ResolvedPadding& pad :
         {graph::ResolvedPadding{{0, 0}, {0, 0}}, {{0, 0}, {1, 1}}, {{1, 0}, {0, 1}}, {{2, 2}, {2, 2}}}) {
      cases.push_back({stride, {1, 20, 13, 16}, 16, pad});
      cases.push_back({stride, {2, 16, 8, 9}, 18, pad});
    }
    for (const int threads : {2, 5}) {
      cases.push_back({stride, {1, 40, 15, 15}, 48, {{1, 1}, {1, 1}}, threads});
      cases.push_back({stride, {3, 16, 8, 6}, 24, {{1, 1}, {1, 1}}, threads});
      cases.push_back({stride, {1, 16, 2, 2}, 16, {{1, 1}, {1, 1}}, threads});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(AllSets, WinogradConvolution,
                         ::testing::Combine(::testing::Values(Isa::kAvx2, Isa::kAvx512),
                                            ::testing::ValuesIn(winograd_cases())),
                         case_name);

class WinogradActivation : public WinogradConvolution {};

TEST_P(WinogradActivation, EqualsTheReference) {
  for (const ActivationKind kind : kAllActivations) {
    SCOPED_TRACE(to_string(kind));
    expect_equal({.activation = {kind, kLeakyReluSlope}});
    expect_equal({.activation = {kind, kLeakyReluSlope}, .residual = true});
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, WinogradActivation,
                         ::testing::Combine(::testing::Values(Isa::kAvx2, Isa::kAvx512),
                                            ::testing::Values(WinogradCase{1, {2, 35, 7, 7}, 77},
                                                              WinogradCase{2, {1, 16, 9, 10}, 13})),
                         case_name);

bool has_winograd(const ConvolutionProblem& problem, Isa isa) {
  return make_winograd_convolution(problem, kernels::kernel_table(isa)) != nullptr;
}

TEST(WinogradConvolutionProvider, TakesOnlyWhatItCanDo) {
  const ConvolutionProblem fitting = problem_of({2, {1, 16, 8, 8}, 32}, {});
  EXPECT_TRUE(has_winograd(fitting, Isa::kAvx2));
  EXPECT_TRUE(has_winograd(fitting, Isa::kAvx512));
  EXPECT_FALSE(has_winograd(fitting, Isa::kSse));

  ConvolutionProblem other = fitting;
  other.op.kernel = {3, 1};
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
  other = fitting;
  other.op.stride = {2, 1};
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
  other = fitting;
  other.op.stride = {3, 3};
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
  other = fitting;
  other.op.dilation = {2, 2};
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
  other = fitting;
  other.op.groups = 2;
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
  other = fitting;
  other.src_format = kPlanarF32;
  EXPECT_FALSE(has_winograd(other, Isa::kAvx2));
}

/// As large between the two as the second-level caches of large processors.
const Shape kLarge = {1, 8, 166, 211};

struct PairCase {
  std::string name;
  int64_t stride = 1;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
  bool bias = false;
};

graph::BoundGraph network(const PairCase& c) {
  graph::GraphBuilder b(8);
  graph::NodeId x = b.conv(b.input(), "stem", {.out_channels = 12});
  x = b.conv(x, "expand",
             {.out_channels = 72 * c.stride, .kernel = 3, .stride = c.stride, .bias = c.bias, .padding = c.padding});
  x = b.activation(x, "expand_act", ActivationKind::kHardSwish);
  x = b.conv(x, "project", {.out_channels = 20, .bias = !c.bias});
  b.output("y", b.activation(x, "act", ActivationKind::kRelu6));
  return bind_formula(b.take());
}

class WinogradPointwise : public ::testing::TestWithParam<std::tuple<InstructionSet, PairCase>> {};

TEST_P(WinogradPointwise, EqualsTheReference) {
  const auto& [isa, c] = GetParam();
  if (!is_available(isa)) GTEST_SKIP() << "this machine lacks " << to_string(isa);
  expect_fused_equals_reference(network(c), kLarge, isa, "own:winograd_pointwise", "project own:winograd_pointwise:");
}

INSTANTIATE_TEST_SUITE_P(Table, WinogradPointwise,
                         ::testing::Combine(::testing::Values(InstructionSet::kAvx2, InstructionSet::kAvx512),
                                            ::testing::Values(PairCase{"s1", 1}, PairCase{"s2", 2},
                                                              PairCase{"s2_same", 2, graph::PaddingMode::kSame, true})),
                         [](const auto& i) {
                           return std::string(to_string(std::get<0>(i.param))) + "_" + std::get<1>(i.param).name;
                         });

TEST(WinogradPointwiseChoice, LeavesSmallMapsAlone) {
  EXPECT_THAT(implementations(network({}), {1, 8, 20, 20}, options_for(InstructionSet::kAuto, 1, "own")),
              Each(Not(HasSubstr("winograd_pointwise"))));
}

TEST(WinogradPointwiseChoice, IsMeasured) {
  // Whichever was faster: what is computed is accounted for.
  EXPECT_EQ(measured_macs(network({}), kLarge), kLarge[2] * kLarge[3] * (8 * 12 + 9 * 12 * 72 + 72 * 20));
}

}  // namespace
}  // namespace zoo::engine
