#include "nn/engine/choice/kernel_choice.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_environment.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/machine/capabilities.h"
#include "tests/engine/network_fixture.h"
#include "tests/support/temp_folder.h"

namespace zoo::engine {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Does nothing, in a given time.
class FakeKernel : public ConvolutionKernel {
 public:
  explicit FakeKernel(std::string name, int milliseconds = 0, bool last_resort = false)
      : name_(std::move(name)), milliseconds_(milliseconds), last_resort_(last_resort) {}

  std::string name() const override { return name_; }
  int64_t lanes() const override { return 16; }
  bool is_last_resort() const override { return last_resort_; }
  size_t packed_bytes() const override { return 64; }
  void pack(std::span<const float>, std::span<const float>, std::byte*) const override {}
  std::unique_ptr<BoundStep> bind(const ConvolutionMemory&) const override {
    return make_bound_step([time = milliseconds_] {
      if (time > 0) std::this_thread::sleep_for(std::chrono::milliseconds(time));
    });
  }

 private:
  std::string name_;
  int milliseconds_;
  bool last_resort_;
};

/// Whose first run of all takes long: it meets memory that nobody has touched, or the system takes the core away.
class StallingKernel : public FakeKernel {
 public:
  using FakeKernel::FakeKernel;

  std::unique_ptr<BoundStep> bind(const ConvolutionMemory&) const override {
    return make_bound_step([this] {
      if (!std::exchange(has_run_, true)) std::this_thread::sleep_for(std::chrono::milliseconds(60));
    });
  }

 private:
  mutable bool has_run_ = false;
};

const kernels::KernelTable& sse_table() { return kernels::kernel_table(kernels::Isa::kSse); }

/// A pointwise convolution of so many channels.
ConvolutionProblem problem(int64_t channels) {
  ConvolutionProblem p;
  p.op.in_channels = channels;
  p.op.out_channels = channels;
  p.pad = {{0, 0}, {0, 0}};
  p.src = {1, channels, 2, 2};
  p.dst = p.src;
  return p;
}

ConvolutionKernels fakes(int onednn_ms, int own_ms) {
  ConvolutionKernels kernels;
  kernels.push_back(std::make_unique<FakeKernel>("jit:fake", onednn_ms));
  kernels.push_back(std::make_unique<FakeKernel>("own:fake", own_ms));
  kernels.push_back(std::make_unique<FakeKernel>("own:slow", 0, true));
  return kernels;
}

std::string chosen(const std::string& wanted, const ConvolutionProblem& p, const ConvolutionKernels& kernels) {
  KernelChooser chooser({.wanted = wanted, .cache = ""}, sse_table());
  return kernels[chooser.choose({p, kernels})]->name();
}

TEST(KernelChoice, TakesTheFasterOne) {
  EXPECT_EQ(chosen("auto", problem(3), fakes(5, 0)), "own:fake");
  EXPECT_EQ(chosen("auto", problem(4), fakes(0, 5)), "jit:fake");
}

TEST(KernelChoice, GivesASecondChanceAfterASlowFirstRun) {
  ConvolutionKernels kernels;
  kernels.push_back(std::make_unique<StallingKernel>("own:stalls_once"));
  kernels.push_back(std::make_unique<FakeKernel>("jit:fake", 5));
  EXPECT_EQ(chosen("auto", problem(13), kernels), "own:stalls_once");
}

TEST(KernelChoice, RemembersWhatItMeasured) {
  EXPECT_EQ(chosen("auto", problem(5), fakes(5, 0)), "own:fake");
  EXPECT_EQ(chosen("auto", problem(5), fakes(0, 5)), "own:fake");
}

TEST(KernelChoice, BelievesTheSharedTimes) {
  const auto times = KernelTimes::shared(kernel_environment(kernels::Isa::kSse), {});
  times->add(to_string(problem(6)), "jit:fake", 2.0);
  times->add(to_string(problem(6)), "own:fake", 1.0);
  EXPECT_EQ(chosen("auto", problem(6), fakes(0, 5)), "own:fake");
}

TEST(KernelChoice, TakesTheFirstOfThoseThatTakeAsLong) {
  const auto times = KernelTimes::shared(kernel_environment(kernels::Isa::kSse), {});
  times->add(to_string(problem(10)), "jit:fake", 101.0);
  times->add(to_string(problem(10)), "own:fake", 100.0);
  EXPECT_EQ(chosen("auto", problem(10), fakes(0, 0)), "jit:fake");
}

/// Whether two convolutions, each of which takes `step_ms`, are computed at once.
bool prefers_fused(const std::string& wanted, int64_t channels, int fused_ms, int step_ms,
                   Prospect prospect = Prospect::kGood) {
  ConvolutionProblem both = problem(channels);
  both.expansions = {{both.op, both.pad, {}}};
  ConvolutionKernels fused;
  fused.push_back(std::make_unique<FakeKernel>("own:both", fused_ms));
  const ConvolutionKernels steps = fakes(step_ms, step_ms);
  const ConvolutionProblem step = problem(channels);
  KernelChooser chooser({.wanted = wanted, .cache = ""}, sse_table());
  return chooser.prefers({both, fused}, {{step, steps}, {step, steps}}, prospect);
}

TEST(KernelChoice, ComputesTwoAtOnceWhereThatIsFaster) {
  EXPECT_TRUE(prefers_fused("auto", 11, 3, 20));
  EXPECT_FALSE(prefers_fused("auto", 12, 30, 1));
  // Remembered.
  EXPECT_TRUE(prefers_fused("auto", 11, 3, 1));
  EXPECT_TRUE(prefers_fused("both", 12, 3, 1));
  EXPECT_FALSE(prefers_fused("jit", 11, 3, 2));
}

TEST(KernelChoice, ComputesOneAfterTheOtherWhereThatIsAsGoodAndComesFirst) {
  EXPECT_TRUE(prefers_fused("auto", 18, 3, 20, Prospect::kPoor));
  EXPECT_FALSE(prefers_fused("auto", 19, 30, 1, Prospect::kPoor));
  // Both are wanted.
  EXPECT_TRUE(prefers_fused("own", 20, 30, 1));
  EXPECT_FALSE(prefers_fused("own", 20, 3, 20, Prospect::kPoor));
  EXPECT_TRUE(prefers_fused("both", 20, 30, 1, Prospect::kPoor));
}

TEST(KernelChoice, MeasuresNothingAtOnceThatHasNoProspect) {
  EXPECT_FALSE(prefers_fused("auto", 21, 3, 20, Prospect::kNone));
  EXPECT_FALSE(prefers_fused("own", 21, 3, 20, Prospect::kNone));
  EXPECT_TRUE(prefers_fused("both", 21, 30, 1, Prospect::kNone));
}

TEST(KernelChoice, MeasuresTwoAtOnceWhereNeitherIsWhatIsAskedFor) {
  EXPECT_TRUE(prefers_fused("none of these", 22, 3, 20));
  EXPECT_FALSE(prefers_fused("none of these", 23, 30, 1));
}

// A time of three steps, and that of the step that does the same.
TEST(KernelChoice, ComputesThreeAtOnceWhereThatIsFaster) {
  const auto prefers = [](int64_t channels, int fused_ms, int step_ms) {
    ConvolutionProblem all = problem(channels);
    all.expansions = {{all.op, all.pad, {}}, {all.op, all.pad, {}}};
    ConvolutionKernels fused;
    fused.push_back(std::make_unique<FakeKernel>("own:all", fused_ms));
    const ConvolutionKernels steps = fakes(step_ms, step_ms);
    const ConvolutionProblem step = problem(channels);
    KernelChooser chooser({.wanted = "auto", .cache = ""}, sse_table());
    return chooser.prefers({all, fused}, {{step, steps}, {step, steps}, {step, steps}});
  };
  EXPECT_TRUE(prefers(24, 5, 4));
  EXPECT_FALSE(prefers(25, 20, 1));
}

TEST(JoinedProblem, TellsItsMembers) {
  ConvolutionProblem first = problem(8);
  first.op.kernel = {3, 3};
  first.op.stride = {2, 2};
  first.pad = {{1, 1}, {1, 1}};
  first.src = {1, 8, 9, 8};
  first.dst = {1, 8, 5, 4};
  first.src_format = kPlanarF32;
  first.dst_format = kChannelsLastBf16;
  first.activation.kind = ActivationKind::kRelu;
  ConvolutionProblem second = problem(8);
  second.src = second.dst = first.dst;
  second.src_format = second.dst_format = kChannelsLastBf16;
  second.has_residual = true;
  ConvolutionProblem third = second;
  third.op.kernel = {2, 3};
  third.dst = {1, 8, 4, 2};
  second.has_residual = false;
  const ConvolutionProblem all = joined(std::vector{first, second, third});
  EXPECT_EQ(all.weight_count(), 8 * 8 * (9 + 1 + 6));
  EXPECT_EQ(all.bias_count(), 3 * 8);
  const std::vector<ConvolutionProblem> members = members_of(all);
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(to_string(members[0]), to_string(first));
  EXPECT_EQ(to_string(members[1]), to_string(second));
  EXPECT_EQ(to_string(members[2]), to_string(third));
}

TEST(KernelChoice, TakesTheFirstUnmeasuredWhereItMayNotMeasure) {
  const test::TempFolder folder;
  const KernelOptions options = {.cache = folder.path(), .timing = KernelTiming::kKnownOnly};
  KernelChooser chooser(options, sse_table());
  EXPECT_EQ(chooser.choose({problem(14), fakes(20, 0)}), 0U);
  EXPECT_EQ(chooser.choose({problem(14), fakes(20, 0)}), 0U);
  chooser.finish();
  EXPECT_THAT(chooser.note(), StartsWith("1 convolution has never been measured on this machine"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(KernelChoice, MeasuresAgainOnceWhereThatIsAskedFor) {
  const test::TempFolder folder;
  KernelTimes before(kernel_environment(kernels::Isa::kSse), folder.path());
  before.add(to_string(problem(16)), "jit:fake", 1.0);
  before.add(to_string(problem(16)), "own:fake", 2.0);
  before.save();
  const auto choose = [&](KernelTiming timing, int onednn_ms, int own_ms) {
    const ConvolutionKernels kernels = fakes(onednn_ms, own_ms);
    KernelChooser chooser({.cache = folder.path(), .timing = timing}, sse_table());
    const size_t index = chooser.choose({problem(16), kernels});
    chooser.finish();
    return kernels[index]->name();
  };
  EXPECT_EQ(choose(KernelTiming::kMeasure, 5, 0), "jit:fake");
  EXPECT_EQ(choose(KernelTiming::kMeasureAgain, 5, 0), "own:fake");
  EXPECT_EQ(choose(KernelTiming::kMeasureAgain, 0, 5), "own:fake") << "measured in this process";
  const KernelTimes after(kernel_environment(kernels::Isa::kSse), folder.path());
  EXPECT_GT(*after.find(to_string(problem(16)), "jit:fake"), *after.find(to_string(problem(16)), "own:fake"));
}

TEST(KernelChoice, WaitsForOthersWhoMeasureAndTakesWhatTheyFound) {
  const test::TempFolder folder;
  KernelTimes other(kernel_environment(kernels::Isa::kSse), folder.path());
  auto turn = other.take_turn();
  std::string name;
  std::thread waiting([&] {
    const ConvolutionKernels kernels = fakes(0, 5);
    KernelChooser chooser({.cache = folder.path()}, sse_table());
    name = kernels[chooser.choose({problem(17), kernels})]->name();
  });
  other.add(to_string(problem(17)), "jit:fake", 2.0);
  other.add(to_string(problem(17)), "own:fake", 1.0);
  other.save();
  turn.reset();
  waiting.join();
  EXPECT_EQ(name, "own:fake");
}

TEST(KernelChoice, TakesWhatOthersHaveMeasuredMeanwhile) {
  const test::TempFolder folder;
  const KernelOptions options = {.cache = folder.path(), .timing = KernelTiming::kKnownOnly};
  EXPECT_EQ(KernelChooser(options, sse_table()).choose({problem(15), fakes(0, 0)}), 0U);
  KernelTimes other_process(kernel_environment(kernels::Isa::kSse), folder.path());
  other_process.add(to_string(problem(15)), "jit:fake", 2.0);
  other_process.add(to_string(problem(15)), "own:fake", 1.0);
  other_process.save();
  KernelChooser chooser(options, sse_table());
  EXPECT_EQ(chooser.choose({problem(15), fakes(0, 0)}), 1U);
  EXPECT_EQ(chooser.note(), "");
}

TEST(KernelChoice, TakesWhatIsAskedFor) {
  EXPECT_EQ(chosen("own", problem(7), fakes(0, 5)), "own:fake");
  EXPECT_EQ(chosen("onednn", problem(7), fakes(5, 0)), "jit:fake");
  EXPECT_EQ(chosen("slow", problem(7), fakes(0, 0)), "own:slow");
  EXPECT_EQ(chosen("jit:f", problem(7), fakes(5, 0)), "jit:fake");
}

TEST(KernelChoice, TakesALastResortOnlyIfThereIsNothingElse) {
  ConvolutionKernels kernels;
  kernels.push_back(std::make_unique<FakeKernel>("own:slow", 0, true));
  EXPECT_EQ(chosen("auto", problem(8), kernels), "own:slow");
  EXPECT_EQ(chosen("own", problem(8), kernels), "own:slow");
  EXPECT_EQ(chosen("auto", problem(9), fakes(0, 5)), "jit:fake");
}

TEST(KernelChoice, TellsProblemsApart) {
  std::set<std::string> keys;
  const auto add = [&](auto change) {
    ConvolutionProblem p = problem(16);
    change(p);
    EXPECT_TRUE(keys.insert(to_string(p)).second) << to_string(p);
  };
  add([](ConvolutionProblem&) {});
  add([](ConvolutionProblem& p) { p.src[0] = 2; });
  add([](ConvolutionProblem& p) { p.dst[1] = 32; });
  add([](ConvolutionProblem& p) { p.op.kernel = {3, 3}; });
  add([](ConvolutionProblem& p) { p.op.kernel = {1, 3}; });
  add([](ConvolutionProblem& p) { p.op.stride = {2, 2}; });
  add([](ConvolutionProblem& p) { p.op.dilation = {2, 2}; });
  add([](ConvolutionProblem& p) { p.op.groups = 16; });
  add([](ConvolutionProblem& p) { p.op.bias = 0; });
  add([](ConvolutionProblem& p) { p.pad.begin = {1, 1}; });
  add([](ConvolutionProblem& p) { p.pad.end = {1, 1}; });
  add([](ConvolutionProblem& p) { p.activation.kind = ActivationKind::kRelu; });
  add([](ConvolutionProblem& p) { p.has_residual = true; });
  add([](ConvolutionProblem& p) { p.src_format = kPlanarF32; });
  add([](ConvolutionProblem& p) { p.threads = 2; });
  add([](ConvolutionProblem& p) { p.expansions = {{p.op, p.pad, {}}}; });
  add([](ConvolutionProblem& p) { p.expansions = {{p.op, p.pad, {}}, {p.op, p.pad, {}}}; });
  add([](ConvolutionProblem& p) { p.src_format = kChannelsLastU8; });
  add([](ConvolutionProblem& p) { p.src_format = p.dst_format = kChannelsLastU8; });
  add([](ConvolutionProblem& p) { p.src_format = p.dst_format = kChannelsLastBf16; });
  add([](ConvolutionProblem& p) {
    p.src_format = kPlanarF32;
    p.dst_format = kChannelsLastBf16;
  });
}

// What was measured before there were other formats is still known.
TEST(ProblemText, NamesFormatsOnlyWhereTheyAreNotBlocked) {
  ConvolutionProblem p = problem(16);
  EXPECT_EQ(to_string(p), "1x16x2x2 -> 1x16x2x2 k1x1 s1x1 d1x1 p0.0.0.0 g1 identity t1");
  p.src_format = kPlanarF32;
  EXPECT_EQ(to_string(p), "1x16x2x2 -> 1x16x2x2 k1x1 s1x1 d1x1 p0.0.0.0 g1 identity planar t1");
  p.dst_format = kChannelsLastU8;
  EXPECT_EQ(to_string(p), "1x16x2x2 -> 1x16x2x2 k1x1 s1x1 d1x1 p0.0.0.0 g1 identity planar to u8 t1");
}

graph::BoundGraph block() {
  graph::GraphBuilder b(24);
  const graph::NodeId expanded = b.conv(b.input(), "expand", {.out_channels = 48, .bias = true});
  const graph::NodeId depthwise = b.conv(expanded, "depthwise", {.out_channels = 48, .kernel = 3, .groups = 48});
  b.output("y", b.conv(depthwise, "project", {.out_channels = 24}));
  return bind_formula(b.take());
}

std::vector<std::string> implementations(const KernelOptions& kernels) {
  CompileOptions options;
  options.kernels = kernels;
  const auto executable = Executable::compile(block(), {1, 24, 14, 14}, options);
  std::vector<std::string> names;
  for (const StepInfo& step : executable->steps()) {
    if (step.op == "Conv2d") names.push_back(step.implementation);
  }
  return names;
}

TEST(KernelOptions, ForceKernelsThatStepsShow) {
  EXPECT_THAT(implementations({.wanted = "onednn"}), Each(Not(StartsWith("own:"))));
  EXPECT_THAT(implementations({.wanted = "direct_conv"}), Each(HasSubstr("own:direct_conv")));
}

TEST(KernelOptions, MustNameAKernel) {
  try {
    implementations({.wanted = "pointwsie"});
    FAIL() << "expected an error";
  } catch (const EngineError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no convolution of this network has a kernel \"pointwsie\"; there are "));
    EXPECT_THAT(error.what(), HasSubstr("own:direct_conv"));
  }
}

class InstructionSets : public ::testing::TestWithParam<InstructionSet> {};

TEST_P(InstructionSets, HoldOwnKernels) {
  const KernelOptions direct = {.wanted = "direct_conv", .isa = GetParam()};
  if (!is_available(GetParam())) {
    EXPECT_THROW(implementations(direct), EngineError);
    return;
  }
  EXPECT_THAT(implementations(direct), Each("own:direct_conv:" + std::string(to_string(GetParam()))));
  EXPECT_THAT(implementations({.wanted = "onednn", .isa = GetParam()}), Each(Not(StartsWith("own:"))));
}

INSTANTIATE_TEST_SUITE_P(All, InstructionSets,
                         ::testing::Values(InstructionSet::kSse, InstructionSet::kAvx2, InstructionSet::kAvx512),
                         [](const auto& c) { return std::string(to_string(c.param)); });

TEST(KernelOptions, GoOnWithoutACacheFolderAndSaySo) {
  const test::TempFolder folder;
  const std::filesystem::path file = folder / "file";
  std::ofstream(file) << "no folder";
  CompileOptions options;
  options.kernels.cache = file / "inside";
  KernelTimes::shared(kernel_environment(machine_capabilities().isa), file / "inside")->add("p", "k", 1.0);
  const auto executable = Executable::compile(block(), {1, 24, 14, 14}, options);
  EXPECT_THAT(executable->note(), HasSubstr("cannot be kept"));
}

}  // namespace
}  // namespace zoo::engine
