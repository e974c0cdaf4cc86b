// Networks of f32 whose fully connected and squeeze-and-excite layers keep their weights in bf16.
#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_cases.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kHidden = 150;  // some blocks of outputs in fours, some alone

/// A depthwise convolution, whose sums squeeze-and-excite takes, and a head as MobileNetV3 and V4 have it.
graph::Graph network() {
  graph::GraphBuilder b(24);
  graph::NodeId x = b.activation(depthwise(b, b.input(), "depthwise"), "act", ActivationKind::kHardSwish);
  x = b.global_avg_pool(pointwise(b, squeeze_excite(b, x, 6), "project", 40), "last_pool");
  x = b.activation(pointwise(b, x, "head", kHidden), "head_act", ActivationKind::kHardSwish);
  b.output("y", b.linear(b.flatten(x, "flat"), "classifier", 10, true));
  return b.take();
}

/// 64 positions: the mean divides by a power of two, which rounding does not see.
constexpr int64_t kSize = 8;

CompileOptions options_for(InstructionSet isa, bool compact) {
  CompileOptions options;
  options.kernels.wanted = "own";
  options.kernels.isa = isa;
  options.kernels.compact_layers = compact;
  return options;
}

class CompactLayers : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "this machine lacks " << to_string(GetParam());
  }
};

TEST_P(CompactLayers, ComputeInF32) {
  CompileOptions reference;
  reference.engine = EngineKind::kReference;
  const graph::BoundGraph exact = rounded_weights(network());
  for (const int64_t images : {1, 4, 5}) {
    const Shape input = {images, 24, kSize, kSize};
    const auto actual = run_network(exact, input, options_for(GetParam(), true));
    EXPECT_TRUE(test::close_to_max(actual.front(), run_network(exact, input, reference).front(), 2e-5)) << images;
  }
}

TEST_P(CompactLayers, RoundTheirWeightsOnly) {
  const Shape input = {1, 24, kSize, kSize};
  const graph::BoundGraph full = bind_formula(network());
  const auto exact = run_network(full, input, options_for(GetParam(), false)).front();
  const auto compact = run_network(full, input, options_for(GetParam(), true)).front();
  EXPECT_NE(compact, exact);
  // Three layers in a row, each off by at most 2^-9 of its largest sum of magnitudes.
  EXPECT_TRUE(test::close_to_max(compact, exact, 1.0 / 64.0));
}

TEST_P(CompactLayers, TakeHalfTheMemory) {
  const Shape input = {1, 24, kSize, kSize};
  const auto full = Executable::compile(bind_formula(network()), input, options_for(GetParam(), false));
  const auto compact = Executable::compile(bind_formula(network()), input, options_for(GetParam(), true));
  const auto bytes_of = [](const Executable& executable, const std::string& node) {
    const auto steps = executable.steps();
    return std::ranges::find(steps, node, &StepInfo::node)->weight_bytes;
  };
  for (const char* node : {"head", "classifier"}) {
    EXPECT_LT(bytes_of(*compact, node), bytes_of(*full, node) * 0.6) << node;
  }
  EXPECT_EQ(bytes_of(*compact, "project"), bytes_of(*full, "project"));
  for (const StepInfo& step : compact->steps()) {
    if (step.node != "head" && step.node != "classifier") continue;
    EXPECT_THAT(step.implementation, HasSubstr("own:compact_mat_vec:")) << step.node;
  }
  for (const StepInfo& step : full->steps()) EXPECT_THAT(step.implementation, Not(HasSubstr("compact")));
}

INSTANTIATE_TEST_SUITE_P(Sets, CompactLayers,
                         ::testing::Values(InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512),
                         [](const auto& c) { return std::string(to_string(c.param)); });

}  // namespace
}  // namespace zoo::engine
