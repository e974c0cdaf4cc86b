// A pointwise convolution with a large result and the depthwise one that reads it, as one step.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// As large as the second-level caches of large processors.
const Shape kLarge = {1, 8, 190, 203};
constexpr int64_t kChannels = 40;

struct Case {
  std::string name;
  int64_t kernel = 3;
  int64_t stride = 1;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
  bool bias = false;
};

graph::BoundGraph network(const Case& c) {
  graph::GraphBuilder b(8);
  graph::NodeId x = b.conv(b.input(), "stem", {.out_channels = 12});
  x = b.conv(x, "expand", {.out_channels = kChannels, .bias = c.bias});
  x = b.activation(x, "expand_act", ActivationKind::kHardSwish);
  x = b.conv(x, "depthwise",
             {.out_channels = kChannels,
              .kernel = c.kernel,
              .stride = c.stride,
              .groups = kChannels,
              .bias = !c.bias,
              .padding = c.padding});
  b.output("y", b.activation(x, "act", ActivationKind::kRelu6));
  return bind_formula(b.take());
}

class ExpandDepthwise : public ::testing::TestWithParam<std::tuple<InstructionSet, Case>> {};

TEST_P(ExpandDepthwise, EqualsTheReference) {
  const auto& [isa, c] = GetParam();
  if (!is_available(isa)) GTEST_SKIP() << "this machine lacks " << to_string(isa);
  expect_fused_equals_reference(network(c), kLarge, isa, "own:expand_depthwise", "depthwise own:expand_depthwise:");
}

INSTANTIATE_TEST_SUITE_P(
    Table, ExpandDepthwise,
    ::testing::Combine(::testing::Values(InstructionSet::kAvx2, InstructionSet::kAvx512),
                       ::testing::Values(Case{"k3s1", 3, 1}, Case{"k3s2", 3, 2}, Case{"k5s1", 5, 1},
                                         Case{"k5s2_bias", 5, 2, graph::PaddingMode::kExplicit, true},
                                         Case{"k7s2", 7, 2}, Case{"k3s2_same", 3, 2, graph::PaddingMode::kSame})),
    [](const auto& i) { return std::string(to_string(std::get<0>(i.param))) + "_" + std::get<1>(i.param).name; });

TEST(ExpandDepthwiseChoice, LeavesSmallMapsAlone) {
  EXPECT_THAT(implementations(network({}), {1, 8, 20, 20}, options_for(InstructionSet::kAuto, 1, "own")),
              Each(Not(HasSubstr("expand_depthwise"))));
}

TEST(ExpandDepthwiseChoice, LeavesResultsThatOthersReadAlone) {
  graph::GraphBuilder b(8);
  graph::NodeId x = b.conv(b.conv(b.input(), "stem", {.out_channels = 12}), "expand", {.out_channels = kChannels});
  b.output("expanded", x);
  b.output("y", b.conv(x, "depthwise", {.out_channels = kChannels, .kernel = 3, .groups = kChannels}));
  const graph::BoundGraph net = bind_formula(b.take());
  const CompileOptions options = options_for(InstructionSet::kAuto, 1, "own");
  EXPECT_THAT(implementations(net, kLarge, options), Each(Not(HasSubstr("expand_depthwise"))));
  expect_engines_agree(net, kLarge, 1, "own");
}

TEST(ExpandDepthwiseChoice, IsMeasured) {
  // Whichever was faster: what is computed is accounted for.
  EXPECT_EQ(measured_macs(network({}), kLarge), 190 * 203 * (8 * 12 + 12 * kChannels + 9 * kChannels));
}

}  // namespace
}  // namespace zoo::engine
