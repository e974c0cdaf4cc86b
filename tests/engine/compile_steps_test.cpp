#include "nn/engine/lower/compile_steps.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/f32/f32_steps.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

/// Claims to have compiled the convolution called "lost".
bool lose(const LoweringContext& context, graph::NodeId id) { return context.network.node(id).name == "lost"; }

std::string error_of(const graph::BoundGraph& network) {
  const std::array<Lowering, 2> lowerings = {lose, compile_f32};
  try {
    compile_steps(network, {1, 8, 6, 6}, options_for(InstructionSet::kSse, 1, "own"), {lowerings});
  } catch (const EngineError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CompileSteps, NameANodeThatHasNoValue) {
  graph::GraphBuilder builder(8);
  const graph::NodeId lost = builder.conv(builder.input(), "lost", {.out_channels = 8});
  builder.output("y", builder.conv(lost, "reader", {.out_channels = 8}));
  EXPECT_EQ(error_of(bind_formula(builder.take())),
            "node \"lost\" (Conv2d): it is read before any step yields its value");
}

TEST(CompileSteps, NameAnOutputThatHasNoValue) {
  graph::GraphBuilder builder(8);
  builder.output("y", builder.conv(builder.input(), "lost", {.out_channels = 8}));
  EXPECT_THAT(error_of(bind_formula(builder.take())), ::testing::StartsWith("node \"lost\" (Conv2d): "));
}

/// Takes every pair of convolutions of which the second is called "second".
class SecondsWithFirsts : public GroupKind {
 public:
  std::vector<graph::NodeId> members(const NetworkFacts& network, KernelChooser& /*chooser*/,
                                     graph::NodeId first) const override {
    const graph::NodeId reader = network.sole_reader(first);
    if (reader == graph::kNone || network.node(reader).name != "second") return {};
    return {first, reader};
  }
  void lower(const LoweringContext& context, std::span<const graph::NodeId> members) const override {
    lowered.assign(members.begin(), members.end());
    context.values.set(members.back(), context.values.of(0));
  }

  mutable std::vector<graph::NodeId> lowered;
};

graph::BoundGraph two_convolutions(bool hands_out_first) {
  graph::GraphBuilder builder(8);
  const graph::NodeId first = builder.conv(builder.input(), "first", {.out_channels = 8});
  builder.output("y", builder.conv(first, "second", {.out_channels = 8}));
  if (hands_out_first) builder.output("x", first);
  return bind_formula(builder.take());
}

TEST(CompileSteps, ComputeAGroupOnceWhereItsLastNodeIs) {
  const SecondsWithFirsts kind;
  const std::array<const GroupKind*, 1> kinds = {&kind};
  const CompiledSteps compiled = compile_steps(two_convolutions(false), {1, 8, 6, 6},
                                               options_for(InstructionSet::kSse, 1, "own"), {.groups = kinds});
  EXPECT_THAT(kind.lowered, ::testing::ElementsAre(1, 2));
  EXPECT_EQ(compiled.steps.size(), 1U) << "of the image as an output";
}

TEST(CompileSteps, LeaveNodesToThemselvesThatOthersRead) {
  const SecondsWithFirsts kind;
  const std::array<const GroupKind*, 1> kinds = {&kind};
  const std::array<Lowering, 1> lowerings = {compile_f32};
  compile_steps(two_convolutions(true), {1, 8, 6, 6}, options_for(InstructionSet::kSse, 1, "own"), {lowerings, kinds});
  EXPECT_TRUE(kind.lowered.empty());
}

}  // namespace
}  // namespace zoo::engine
