// Timing of steps, and the limits that they are compared with.
#include "nn/engine/profile.h"

#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::SizeIs;

/// Two convolutions, the second with a branch around it, and a planar output.
graph::BoundGraph small_network() {
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2});
  b.output("features", b.add(b.conv(stem, "project", {.out_channels = 16}), stem, "sum"));
  return bind_formula(b.take());
}

class TimedRun : public ::testing::TestWithParam<EngineKind> {};

TEST_P(TimedRun, ComputesWhatAnUntimedRunDoesAndTimesEveryStep) {
  const graph::BoundGraph network = small_network();
  const Shape shape = {1, 3, 16, 16};
  CompileOptions options;
  options.engine = GetParam();
  const std::vector<float> expected = run_network(network, shape, options).front();

  const auto executable = Executable::compile(network, shape, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(shape, "test");
  std::ranges::copy(image.data, runner->input().begin());
  std::vector<int64_t> step_ns(executable->steps().size(), -1);
  runner->run_timed(step_ns);
  EXPECT_THAT(step_ns, Each(Gt(0)));
  EXPECT_TRUE(std::ranges::equal(runner->output(0), expected));
}

INSTANTIATE_TEST_SUITE_P(Engines, TimedRun, ::testing::Values(EngineKind::kOneDnn, EngineKind::kReference),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(Steps, SayWhatTheyReadAndWrite) {
  const auto executable = Executable::compile(small_network(), {2, 3, 16, 16});
  const std::vector<StepInfo> steps = executable->steps();
  ASSERT_THAT(steps, SizeIs(3));  // stem, project with the sum in it, re-layout

  EXPECT_EQ(steps[0].node, "stem");
  EXPECT_THAT(steps[0].srcs, ElementsAre(Shape{2, 3, 16, 16}));
  EXPECT_EQ(steps[0].dst, (Shape{2, 16, 8, 8}));
  EXPECT_EQ(steps[0].macs, 2 * 16 * 64 * 3 * 9);
  EXPECT_GE(steps[0].weight_bytes, 16U * 3U * 9U * sizeof(float));

  EXPECT_THAT(steps[1].srcs, SizeIs(2));
  EXPECT_EQ(steps[1].activation_bytes, 3U * 2U * 16U * 64U * sizeof(float));
  EXPECT_GE(steps[1].weight_bytes, 16U * 16U * sizeof(float));

  EXPECT_EQ(steps[2].op, "Relayout");
  EXPECT_EQ(steps[2].macs, 0);
  EXPECT_EQ(steps[2].weight_bytes, 0U);
  size_t weights = 0;
  for (const StepInfo& step : steps) weights += step.weight_bytes;
  EXPECT_LE(weights, executable->weight_bytes());
}

/// 100 GFLOP/s; 200, 100 and 20 GB/s.
Roofline made_up() {
  return {
      .isa = "none", .gflops = 100.0, .levels = {{"L1", 1'000, 200.0}, {"L2", 100'000, 100.0}, {"memory", 0, 20.0}}};
}

TEST(Roofline, TakesTheSmallestLevelThatHoldsTheBytes) {
  const Roofline machine = made_up();
  EXPECT_EQ(machine.level_of(1'000).name, "L1");
  EXPECT_EQ(machine.level_of(1'001).name, "L2");
  EXPECT_EQ(machine.level_of(100'001).name, "memory");
}

TEST(Roofline, LimitsAStepByArithmeticOrByReads) {
  StepInfo step;
  step.macs = 50'000'000;          // 1 ms at 100 GFLOP/s
  step.weight_bytes = 10'000'000;  // 0.5 ms at 20 GB/s
  step.activation_bytes = 50'000;  // 0.0005 ms at 100 GB/s
  const StepLimit arithmetic = made_up().limit_of(step, 20'000'000, 1);
  EXPECT_DOUBLE_EQ(arithmetic.ms, 1.0);
  EXPECT_FALSE(arithmetic.by_reads);
  EXPECT_DOUBLE_EQ(made_up().limit_of(step, 20'000'000, 2).ms, 0.5);

  step.macs /= 10;
  const StepLimit reads = made_up().limit_of(step, 20'000'000, 1);
  EXPECT_DOUBLE_EQ(reads.ms, 0.5005);
  EXPECT_TRUE(reads.by_reads);
}

TEST(Roofline, OfThisMachineEndsWithTheLevelThatHoldsTheNetwork) {
  const Roofline machine = measure_roofline(1);
  EXPECT_GT(machine.gflops, 0.0);
  ASSERT_THAT(machine.levels, SizeIs(1));
  EXPECT_GT(machine.levels.front().read_gb_s, 0.0);
}

TEST(Roofline, KnowsTheArithmeticOfEveryPrecision) {
  for (const Precision precision : {Precision::kF32, Precision::kBf16, Precision::kInt8}) {
    if (!why_unavailable(precision).empty()) continue;
    const Roofline machine = measure_roofline(1, {.precision = precision});
    EXPECT_GT(machine.gflops, 0.0) << to_string(precision);
    EXPECT_NE(machine.isa, "");
  }
}

TEST(Profiler, ReportsTheMedianOfEveryStep) {
  const auto executable = Executable::compile(small_network(), {1, 3, 16, 16});
  Profiler profiler(executable, {}, 1, weights::formula_input({1, 3, 16, 16}, "test").data);
  for (int i = 0; i < 3; ++i) profiler.round();
  const Profile profile = profiler.profile();
  EXPECT_EQ(profile.rounds, 3);
  ASSERT_EQ(profile.steps.size(), executable->steps().size());
  double sum_ms = 0.0;
  double limit_ms = 0.0;
  for (const StepProfile& step : profile.steps) {
    EXPECT_GT(step.ms, 0.0);
    EXPECT_GT(step.limit.ms, 0.0);
    sum_ms += step.ms;
    limit_ms += step.limit.ms;
  }
  EXPECT_DOUBLE_EQ(profile.sum_ms, sum_ms);
  EXPECT_DOUBLE_EQ(profile.limit_ms, limit_ms);
  EXPECT_GT(profile.run_ms, 0.0);
}

}  // namespace
}  // namespace zoo::engine
