// Networks in int8 against the reference engine. Eight bits are no match for f32: what is checked is that the error is
// what rounding explains and not what a wrong zero point, channel or padding would make.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/planned_executable.h"
#include "tests/engine/formula_calibration.h"
#include "tests/engine/int8_sets.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

/// Root of the mean squared difference over that of the expected values.
double relative_error(const std::vector<float>& actual, const std::vector<float>& expected) {
  double difference = 0.0;
  double power = 0.0;
  for (size_t i = 0; i < actual.size(); ++i) {
    difference += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
    power += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / power);
}

class Int8Network : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!why_unavailable(Precision::kInt8).empty()) GTEST_SKIP() << why_unavailable(Precision::kInt8);
  }

  /// Rounding of weights and values to 8 bits makes a relative error of about half a percent each; small sums differ
  /// more.
  static void expect_close(const graph::BoundGraph& network, const Shape& shape, int threads = 1,
                           double allowed = 0.03) {
    CompileOptions slow;
    slow.engine = EngineKind::kReference;
    CompileOptions fast;
    fast.precision = Precision::kInt8;
    fast.calibration = calibration_of(network, shape);
    fast.tuned_threads = threads;
    const auto expected = run_network(network, shape, slow);
    const auto actual = run_network(network, shape, fast);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_LT(relative_error(actual[i], expected[i]), allowed) << network.graph.outputs[i].name;
    }
  }
};

struct Layer {
  int64_t out;
  int64_t kernel;
  int64_t stride;
  bool depthwise = false;
  ActivationKind kind = ActivationKind::kRelu;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
  int64_t dilation = 1;
};

graph::NodeId add_layer(graph::GraphBuilder& builder, graph::NodeId src, const std::string& name, const Layer& layer) {
  const int64_t channels = builder.channels(src);
  const graph::NodeId conv = builder.conv(src, name + ".conv",
                                          {.out_channels = layer.depthwise ? channels : layer.out,
                                           .kernel = layer.kernel,
                                           .stride = layer.stride,
                                           .dilation = layer.dilation,
                                           .groups = layer.depthwise ? channels : 1,
                                           .padding = layer.padding});
  return builder.activation(builder.batch_norm(conv, name + ".norm", 1e-3), name + ".act", layer.kind);
}

graph::BoundGraph chain(int64_t in_channels, const std::vector<Layer>& layers) {
  graph::GraphBuilder builder(in_channels);
  graph::NodeId node = builder.input();
  for (size_t i = 0; i < layers.size(); ++i) node = add_layer(builder, node, "layer" + std::to_string(i), layers[i]);
  builder.output("y", node);
  return bind_formula(builder.take());
}

TEST_F(Int8Network, StemsOfEveryImage) {
  for (const int64_t channels : {1, 3, 4}) {
    expect_close(chain(channels, {{24, 3, 2}}), {2, channels, 18, 35});
    expect_close(chain(channels, {{24, 3, 2, false, ActivationKind::kRelu, graph::PaddingMode::kSame}}),
                 {1, channels, 18, 35});
  }
  expect_close(chain(5, {{24, 3, 2}, {16, 1, 1}}), {1, 5, 12, 12});
}

TEST_F(Int8Network, DenseAndDepthwiseLayersOfEveryKind) {
  const std::vector<Layer> layers = {
      {72, 1, 1},
      {40, 1, 1, false, ActivationKind::kIdentity},
      {48, 3, 1},
      {20, 3, 2, false, ActivationKind::kHardSwish},
      {0, 3, 1, true},
      {0, 3, 2, true, ActivationKind::kHardSwish},
      {0, 5, 1, true, ActivationKind::kRelu6},
      {0, 5, 2, true},
      {0, 7, 1, true, ActivationKind::kGelu},
      {0, 7, 2, true, ActivationKind::kSilu},
      {0, 3, 2, true, ActivationKind::kRelu, graph::PaddingMode::kSame},
      {32, 1, 2},
      {32, 3, 1, false, ActivationKind::kRelu, graph::PaddingMode::kExplicit, 2},
      {0, 3, 1, true, ActivationKind::kRelu, graph::PaddingMode::kExplicit, 2},
      {24, 1, 1, false, ActivationKind::kHardSigmoid},
      {24, 1, 1, false, ActivationKind::kLeakyRelu},
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "layer " << i);
    expect_close(chain(3, {{24, 3, 1}, layers[i], {16, 1, 1}}), {2, 3, 15, 11});
  }
}

/// Expand, depthwise, squeeze-and-excite, project, residual, then a head: what MobileNets are made of.
graph::BoundGraph inverted_residual(ActivationKind kind) {
  graph::GraphBuilder builder(3);
  const graph::NodeId stem = add_layer(builder, builder.input(), "stem", {16, 3, 2, false, kind});
  const graph::NodeId expand = add_layer(builder, stem, "expand", {72, 1, 1, false, kind});
  const graph::NodeId depthwise = add_layer(builder, expand, "depthwise", {0, 5, 1, true, kind});
  graph::NodeId gate = builder.global_avg_pool(depthwise, "se.pool");
  gate = builder.activation(builder.conv(gate, "se.reduce", {.out_channels = 24, .bias = true}), "se.inner",
                            ActivationKind::kRelu);
  gate = builder.activation(builder.conv(gate, "se.expand", {.out_channels = 72, .bias = true}), "se.gate",
                            ActivationKind::kHardSigmoid);
  const graph::NodeId scaled = builder.mul(depthwise, gate, "se.mul");
  const graph::NodeId project = add_layer(builder, scaled, "project", {16, 1, 1, false, ActivationKind::kIdentity});
  const graph::NodeId sum = builder.add(project, stem, "sum");
  builder.output("feature.0", sum);
  const graph::NodeId last = add_layer(builder, sum, "last", {96, 1, 1, false, kind});
  const graph::NodeId pool = builder.global_avg_pool(last, "pool");
  const graph::NodeId hidden = add_layer(builder, pool, "hidden", {64, 1, 1, false, kind});
  builder.output("logits", builder.linear(builder.flatten(hidden, "flat"), "logits", 10, true));
  return bind_formula(builder.take());
}

TEST_F(Int8Network, InvertedResidualsWithSqueezeAndExcite) {
  for (const ActivationKind kind : {ActivationKind::kRelu, ActivationKind::kHardSwish}) {
    for (const int64_t images : {1, 3}) {
      for (const int threads : {1, 2}) expect_close(inverted_residual(kind), {images, 3, 32, 24}, threads, 0.05);
    }
  }
}

TEST_F(Int8Network, ThreadsChangeNothing) {
  const graph::BoundGraph network = inverted_residual(ActivationKind::kHardSwish);
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network, {2, 3, 32, 24});
  const auto alone = run_network(network, {2, 3, 32, 24}, options);
  options.tuned_threads = 3;
  EXPECT_EQ(run_network(network, {2, 3, 32, 24}, options), alone);
}

TEST_F(Int8Network, OperationsWithoutAnInt8FormRunInF32) {
  graph::GraphBuilder builder(3);
  const graph::NodeId stem = add_layer(builder, builder.input(), "stem", {16, 3, 1});
  const graph::NodeId small = builder.max_pool(stem, "pool", {.kernel = 2, .stride = 2});
  const graph::NodeId large = builder.resize_like(small, stem, "up", graph::ResizeMode::kBilinear);
  const graph::NodeId both = builder.concat({stem, large}, "both");
  builder.output("y", add_layer(builder, both, "last", {8, 1, 1}));
  const graph::NodeId mixed = builder.shuffle_channels(both, "mixed", 2);
  builder.output("half", add_layer(builder, builder.slice_channels(mixed, "slice", 9, 16), "half", {8, 1, 1}));
  builder.output("sum", builder.activation(builder.add(stem, large, "sum"), "sum.act", ActivationKind::kRelu));
  expect_close(bind_formula(builder.take()), {1, 3, 12, 12});
}

TEST_F(Int8Network, RunsOnTheKernelsOfInt8) {
  const graph::BoundGraph network = inverted_residual(ActivationKind::kHardSwish);
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network, {1, 3, 32, 24});
  options.outputs = {"logits"};
  for (const StepInfo& step : Executable::compile(network, {1, 3, 32, 24}, options)->steps()) {
    if (step.op == "Relayout") continue;
    EXPECT_NE(step.implementation.find("_int8"), std::string::npos) << step.node << ": " << step.implementation;
  }
}

/// Implementations and outputs of a network whose convolutions are to run on `kernel`.
struct Forced {
  std::vector<std::string> implementations;
  std::vector<std::vector<float>> outputs;
};
Forced run_forced(const graph::BoundGraph& network, const Shape& shape, const std::string& kernel) {
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network, shape);
  options.kernels.wanted = kernel;
  return {implementations(network, shape, options), run_network(network, shape, options)};
}

TEST_F(Int8Network, EverySetsKernelsYieldTheSame) {
  const graph::BoundGraph network = inverted_residual(ActivationKind::kHardSwish);
  const Shape shape = {2, 3, 32, 24};
  const auto expected = run_forced(network, shape, "auto").outputs;
  for (const kernels::Int8Isa isa : kInt8Sets) {
    if (!machine_capabilities().has(isa)) continue;
    const bool fits = kernels::lanes_of(isa) == machine_capabilities().lanes();
    if (isa != kernels::Int8Isa::kReference && !fits) continue;
    const std::string name = "conv_int8:" + std::string(to_string(isa));
    const Forced forced = run_forced(network, shape, name);
    EXPECT_THAT(forced.implementations, ::testing::Contains(::testing::HasSubstr("own:" + name)));
    EXPECT_EQ(forced.outputs, expected) << name;
  }
  EXPECT_THAT(run_forced(network, shape, "depthwise_int8:reference").implementations,
              ::testing::Contains(::testing::HasSubstr("own:depthwise_int8:reference")));
}

TEST_F(Int8Network, ListsItsKernelsWhereOneIsUnknown) {
  try {
    run_forced(inverted_residual(ActivationKind::kRelu), {1, 3, 32, 24}, "conv_int9");
    FAIL() << "expected UnknownKernelError";
  } catch (const UnknownKernelError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("has a kernel \"conv_int9\"; there are "));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("own:conv_int8:reference, own:depthwise_int8:"));
  }
}

// DeepLab's ASPP: of 3x3 taps 36 positions apart only the middle one ever reads a map of 14x14.
TEST_F(Int8Network, TapsThatNeverReadTheMapAreDropped) {
  const graph::BoundGraph network =
      chain(3, {{32, 3, 1}, {.out = 32, .kernel = 3, .stride = 1, .dilation = 36}, {8, 1, 1}});
  const Shape shape = {1, 3, 14, 14};
  expect_close(network, shape);
  CompileOptions options;
  options.precision = Precision::kInt8;
  options.calibration = calibration_of(network, shape);
  int found = 0;
  for (const StepInfo& step : Executable::compile(network, shape, options)->steps()) {
    if (step.node != "layer1.conv") continue;
    ++found;
    EXPECT_THAT(step.implementation, ::testing::StartsWith("own:conv_int8:"));
    EXPECT_LT(step.weight_bytes, size_t{9} * 32 * 32);
  }
  EXPECT_EQ(found, 1);
}

TEST_F(Int8Network, NeedsACalibrationWithEveryRange) {
  const graph::BoundGraph network = chain(3, {{24, 3, 2}});
  CompileOptions options;
  options.precision = Precision::kInt8;
  EXPECT_THROW(Executable::compile(network, {1, 3, 16, 16}, options), EngineError);

  Calibration calibration = *calibration_of(network, {1, 3, 16, 16});
  calibration.ranges.clear();
  options.calibration = std::make_shared<const Calibration>(calibration);
  try {
    Executable::compile(network, {1, 3, 16, 16}, options);
    FAIL() << "expected GraphError";
  } catch (const GraphError& error) {
    EXPECT_STREQ(error.what(), "value \"layer0.act\": the calibration has no range for it");
  }
}

}  // namespace
}  // namespace zoo::engine
