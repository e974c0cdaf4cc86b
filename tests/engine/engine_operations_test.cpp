// Every operation of the fast engine against the reference engine, over a table of shapes and settings.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/network_cases.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

class ConvolutionEngine : public ::testing::TestWithParam<std::tuple<ConvCase, Shape>> {};

TEST_P(ConvolutionEngine, EqualsTheReference) {
  const auto& [c, size] = GetParam();
  graph::GraphBuilder builder(c.in_channels);
  const graph::NodeId conv = builder.conv(builder.input(), "conv", c.options());
  const graph::NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  builder.output("y", builder.activation(norm, "act", ActivationKind::kHardSwish));
  expect_engines_agree(bind_formula(builder.take()), {size[0], c.in_channels, size[1], size[2]});
}

std::string conv_case_name(const ::testing::TestParamInfo<ConvolutionEngine::ParamType>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).to_string();
}

INSTANTIATE_TEST_SUITE_P(Table, ConvolutionEngine,
                         ::testing::Combine(::testing::ValuesIn(conv_cases()), ::testing::ValuesIn(conv_sizes())),
                         conv_case_name);

class NetworkEngine : public ::testing::TestWithParam<NetworkCase> {};

TEST_P(NetworkEngine, EqualsTheReference) {
  for (int threads : {1, 2}) {
    graph::GraphBuilder builder(24);
    GetParam().build(builder);
    expect_engines_agree(bind_formula(builder.take()), {3, 24, 13, 11}, threads);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, NetworkEngine, ::testing::ValuesIn(network_cases()),
                         [](const auto& c) { return c.param.name; });

graph::BoundGraph depthwise_then_squeeze_excite() {
  graph::GraphBuilder b(24);
  graph::NodeId x = b.conv(b.input(), "depthwise", {.out_channels = 24, .kernel = 5, .groups = 24, .bias = true});
  x = b.activation(x, "act", ActivationKind::kHardSwish);
  b.output("depthwise", x);
  b.output("y", pointwise(b, squeeze_excite(b, x, 6), "project", 24));
  return bind_formula(b.take());
}

TEST(MatVecEngine, ConvolvesMapsOfOnePosition) {
  graph::GraphBuilder b(24);
  const graph::NodeId pooled = b.global_avg_pool(pointwise(b, b.input(), "conv", 40), "pool");
  b.output("y", b.activation(pointwise(b, pooled, "head", 150), "act", ActivationKind::kHardSigmoid));
  const graph::BoundGraph network = bind_formula(b.take());
  CompileOptions options;
  options.kernels.wanted = "own:mat_vec";
  const auto steps = Executable::compile(network, {1, 24, 3, 3}, options)->steps();
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const StepInfo& s) {
    return s.node == "head" && s.implementation.starts_with("own:mat_vec:");
  }));
  for (const int threads : {1, 2}) expect_engines_agree(network, {5, 24, 3, 3}, threads, "own:mat_vec");
}

TEST(NarrowPointwiseEngine, ReadsManyInputs) {
  graph::GraphBuilder b(24);
  const graph::NodeId x = pointwise(b, b.input(), "first", 40);
  const graph::NodeId wide = b.activation(pointwise(b, x, "expand", 530), "act", ActivationKind::kGelu);
  b.output("y", b.add(pointwise(b, wide, "project", 40), x, "sum"));
  const graph::BoundGraph network = bind_formula(b.take());
  CompileOptions options;
  options.kernels.wanted = "own:narrow_pointwise";
  const auto steps = Executable::compile(network, {1, 24, 13, 11}, options)->steps();
  EXPECT_EQ(std::ranges::count_if(
                steps, [](const StepInfo& s) { return s.implementation.starts_with("own:narrow_pointwise:"); }),
            1);
  for (const int threads : {1, 2}) expect_engines_agree(network, {2, 24, 13, 11}, threads, "own:narrow_pointwise");
}

TEST(DilatedEngine, LeavesOutWhatNeverReadsTheMap) {
  for (const int64_t dilation : {5, 12, 13, 24}) {  // of a map of 13 x 11
    graph::GraphBuilder b(24);
    const graph::ConvOptions options = {.out_channels = 40, .kernel = 3, .dilation = dilation, .bias = true};
    b.output("y", b.conv(pointwise(b, b.input(), "first", 40), "dilated", options));
    const graph::BoundGraph network = bind_formula(b.take());
    SCOPED_TRACE(dilation);
    for (const int threads : {1, 2}) expect_engines_agree(network, {2, 24, 13, 11}, threads);
    if (dilation < 13) continue;
    const auto steps = Executable::compile(network, {2, 24, 13, 11})->steps();
    const auto dilated = std::ranges::find(steps, "dilated", &StepInfo::node);
    EXPECT_LT(dilated->weight_bytes, 2 * 48U * 48U * sizeof(float)) << "one position of nine";
  }
}

TEST(SqueezeExciteEngine, TakesTheSumsOfADepthwiseConvolution) {
  CompileOptions options;
  options.kernels.wanted = "own:depthwise";
  const auto steps = Executable::compile(depthwise_then_squeeze_excite(), {1, 24, 9, 30}, options)->steps();
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(),
                          [](const StepInfo& s) { return s.implementation.starts_with("own:excite:"); }));
  for (const int threads : {1, 2}) {
    expect_engines_agree(depthwise_then_squeeze_excite(), {3, 24, 9, 30}, threads, "own:depthwise");
  }
}

}  // namespace
}  // namespace zoo::engine
