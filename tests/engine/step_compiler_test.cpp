#include "nn/engine/lower/step_compiler.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/f32/f32_steps.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

/// Claims to have compiled the convolution called "lost".
bool lose(StepCompiler& compiler, graph::NodeId id) { return compiler.node(id).name == "lost"; }

std::string error_of(const graph::BoundGraph& network) {
  const std::array<Lowering, 2> lowerings = {lose, compile_f32};
  try {
    StepCompiler(network, {1, 8, 6, 6}, options_for(InstructionSet::kSse, 1, "own"), lowerings).compile();
  } catch (const EngineError& error) {
    return error.what();
  }
  return "no error";
}

TEST(StepCompiler, NamesANodeThatHasNoValue) {
  graph::GraphBuilder builder(8);
  const graph::NodeId lost = builder.conv(builder.input(), "lost", {.out_channels = 8});
  builder.output("y", builder.conv(lost, "reader", {.out_channels = 8}));
  EXPECT_EQ(error_of(bind_formula(builder.take())),
            "node \"lost\" (Conv2d): it is read before any step yields its value");
}

TEST(StepCompiler, NamesAnOutputThatHasNoValue) {
  graph::GraphBuilder builder(8);
  builder.output("y", builder.conv(builder.input(), "lost", {.out_channels = 8}));
  EXPECT_THAT(error_of(bind_formula(builder.take())), ::testing::StartsWith("node \"lost\" (Conv2d): "));
}

}  // namespace
}  // namespace zoo::engine
