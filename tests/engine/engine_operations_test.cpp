// Every operation of the fast engine against the reference engine, over a table of shapes and settings.
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

struct ConvCase {
  std::string name;
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t dilation = 1;
  int64_t groups = 1;
  graph::PaddingMode padding = graph::PaddingMode::kExplicit;
};

class ConvolutionEngine : public ::testing::TestWithParam<std::tuple<ConvCase, Shape>> {};

TEST_P(ConvolutionEngine, EqualsTheReference) {
  const auto& [c, size] = GetParam();
  graph::GraphBuilder builder(c.in_channels);
  const graph::NodeId conv = builder.conv(builder.input(), "conv",
                                          {.out_channels = c.out_channels,
                                           .kernel = c.kernel,
                                           .stride = c.stride,
                                           .dilation = c.dilation,
                                           .groups = c.groups,
                                           .padding = c.padding});
  const graph::NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  builder.output("y", builder.activation(norm, "act", ActivationKind::kHardSwish));
  expect_engines_agree(bind_formula(builder.take()), {size[0], c.in_channels, size[1], size[2]});
}

const std::vector<ConvCase> kConvCases = {
    {"stem_rgb", 3, 16, 3, 2},
    {"stem_rgb_same", 3, 16, 3, 2, 1, 1, graph::PaddingMode::kSame},
    {"stem_gray", 1, 24, 3, 2},
    {"stem_two", 2, 8, 3, 2},
    {"stem_four", 4, 32, 3, 2},
    {"stem_five", 5, 17, 5, 1},
    {"pointwise", 16, 72, 1, 1},
    {"pointwise_odd", 17, 23, 1, 1},
    {"pointwise_narrow", 72, 1, 1, 1},
    {"pointwise_stride", 24, 40, 1, 2},
    {"dense3", 24, 40, 3, 1},
    {"depthwise3", 72, 72, 3, 1, 1, 72},
    {"depthwise3_stride", 72, 72, 3, 2, 1, 72},
    {"depthwise3_stride_same", 72, 72, 3, 2, 1, 72, graph::PaddingMode::kSame},
    {"depthwise5", 40, 40, 5, 1, 1, 40},
    {"depthwise5_stride", 40, 40, 5, 2, 1, 40},
    {"depthwise5_stride_same", 40, 40, 5, 2, 1, 40, graph::PaddingMode::kSame},
    {"depthwise7", 24, 24, 7, 2, 1, 24},
    {"depthwise3_dilated", 24, 24, 3, 1, 2, 24},
    {"depthwise5_dilated", 24, 24, 5, 1, 2, 24},
    {"depthwise3_dilated_stride", 24, 24, 3, 2, 2, 24},
    {"depthwise_odd_channels", 19, 19, 3, 1, 1, 19},
};

const std::vector<Shape> kConvSizes = {{1, 14, 14}, {3, 7, 7}, {2, 15, 22}, {1, 33, 9}, {1, 1, 1}};

std::string conv_case_name(const ::testing::TestParamInfo<ConvolutionEngine::ParamType>& info) {
  return std::get<0>(info.param).name + "_" + std::get<1>(info.param).to_string();
}

INSTANTIATE_TEST_SUITE_P(Table, ConvolutionEngine,
                         ::testing::Combine(::testing::ValuesIn(kConvCases), ::testing::ValuesIn(kConvSizes)),
                         conv_case_name);

/// A network around one thing to test: builds from a [N, 24, 13, 11] image.
struct NetworkCase {
  std::string name;
  std::function<void(graph::GraphBuilder&)> build;
};

class NetworkEngine : public ::testing::TestWithParam<NetworkCase> {};

TEST_P(NetworkEngine, EqualsTheReference) {
  for (int threads : {1, 2}) {
    graph::GraphBuilder builder(24);
    GetParam().build(builder);
    expect_engines_agree(bind_formula(builder.take()), {3, 24, 13, 11}, threads);
  }
}

graph::NodeId pointwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name, int64_t channels,
                        bool bias = false) {
  return b.conv(src, name, {.out_channels = channels, .bias = bias});
}

NetworkCase activation_case(ActivationKind kind) {
  return {"activation_" + std::string(to_string(kind)), [kind](graph::GraphBuilder& b) {
            // Once fused into a convolution, once on its own because the convolution's result is handed out too.
            const graph::NodeId conv = pointwise(b, b.input(), "conv", 40, true);
            b.output("fused", b.activation(pointwise(b, conv, "second", 24), "act1", kind));
            b.output("raw", conv);
            b.output("alone", b.activation(conv, "act2", kind));
          }};
}

graph::NodeId squeeze_excite(graph::GraphBuilder& b, graph::NodeId src, int64_t squeezed) {
  graph::NodeId gate = b.global_avg_pool(src, "pool");
  gate = b.activation(pointwise(b, gate, "reduce", squeezed, true), "inner", ActivationKind::kRelu);
  gate = b.activation(pointwise(b, gate, "expand", b.channels(src), true), "gate", ActivationKind::kHardSigmoid);
  return b.mul(src, gate, "scale");
}

const std::vector<NetworkCase> kNetworkCases = {
    activation_case(ActivationKind::kIdentity),
    activation_case(ActivationKind::kRelu),
    activation_case(ActivationKind::kRelu6),
    activation_case(ActivationKind::kPrelu),
    activation_case(ActivationKind::kLeakyRelu),
    activation_case(ActivationKind::kGelu),
    activation_case(ActivationKind::kSilu),
    activation_case(ActivationKind::kHardSwish),
    activation_case(ActivationKind::kHardSigmoid),
    activation_case(ActivationKind::kSigmoid),
    {"residual",
     [](graph::GraphBuilder& b) {
       const graph::NodeId first = pointwise(b, b.input(), "first", 40);
       const graph::NodeId sum = b.add(pointwise(b, first, "second", 40), first, "sum");
       b.output("y", b.activation(sum, "act", ActivationKind::kRelu));
     }},
    {"residual_of_the_image",
     [](graph::GraphBuilder& b) { b.output("y", b.add(pointwise(b, b.input(), "conv", 24), b.input(), "sum")); }},
    {"residual_of_itself",
     [](graph::GraphBuilder& b) {
       const graph::NodeId conv = pointwise(b, b.input(), "conv", 24);
       b.output("y", b.add(conv, conv, "sum"));
     }},
    {"residual_after_activation",
     [](graph::GraphBuilder& b) {
       const graph::NodeId first = pointwise(b, b.input(), "first", 40);
       const graph::NodeId second = b.activation(pointwise(b, first, "second", 40), "act", ActivationKind::kRelu);
       b.output("y", b.add(second, first, "sum"));
     }},
    {"residual_of_a_kernel_larger_than_the_map",
     [](graph::GraphBuilder& b) {
       // Maps of 1x1 have no fast 5x5 convolution in oneDNN: the own fallback has to do depthwise, dense and residual.
       graph::NodeId x = b.conv(b.input(), "down", {.out_channels = 40, .kernel = 3, .stride = 13});
       x = b.add(b.conv(x, "depthwise", {.out_channels = 40, .kernel = 5, .groups = 40}), x, "sum1");
       b.output("y", b.activation(b.add(b.conv(x, "dense", {.out_channels = 40, .kernel = 7}), x, "sum2"), "act",
                                  ActivationKind::kHardSwish));
     }},
    {"squeeze_excite",
     [](graph::GraphBuilder& b) {
       const graph::NodeId conv = pointwise(b, b.input(), "conv", 72);
       b.output("y", pointwise(b, squeeze_excite(b, conv, 18), "project", 24));
     }},
    {"squeeze_excite_with_tapped_gate",
     [](graph::GraphBuilder& b) {
       const graph::NodeId conv = pointwise(b, b.input(), "conv", 72);
       const graph::NodeId gate = b.activation(pointwise(b, b.global_avg_pool(conv, "pool"), "gate_conv", 72), "gate",
                                               ActivationKind::kSigmoid);
       b.output("gate", gate);
       b.output("y", b.mul(conv, gate, "scale"));
     }},
    {"squeeze_excite_of_the_image", [](graph::GraphBuilder& b) { b.output("y", squeeze_excite(b, b.input(), 8)); }},
    {"instance_norm",
     [](graph::GraphBuilder& b) { b.output("y", b.instance_norm(pointwise(b, b.input(), "conv", 19), "norm", 1e-5)); }},
    {"batch_norm_of_the_image", [](graph::GraphBuilder& b) { b.output("y", b.batch_norm(b.input(), "norm", 1e-5)); }},
    {"classifier",
     [](graph::GraphBuilder& b) {
       const graph::NodeId pooled = b.flatten(b.global_avg_pool(pointwise(b, b.input(), "conv", 50), "pool"), "flat");
       const graph::NodeId hidden =
           b.activation(b.linear(pooled, "hidden", 70, true), "act", ActivationKind::kHardSwish);
       b.output("logits", b.linear(hidden, "classifier", 13, false));
     }},
    {"flatten_of_a_map",
     [](graph::GraphBuilder& b) { b.output("flat", b.flatten(pointwise(b, b.input(), "conv", 5), "flat")); }},
    {"image_as_output",
     [](graph::GraphBuilder& b) {
       b.output("image", b.input());
       b.output("y", pointwise(b, b.input(), "conv", 24));
     }},
};

INSTANTIATE_TEST_SUITE_P(Table, NetworkEngine, ::testing::ValuesIn(kNetworkCases),
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
  b.output("y", b.activation(pointwise(b, pooled, "head", 150, true), "act", ActivationKind::kHardSigmoid));
  const graph::BoundGraph network = bind_formula(b.take());
  CompileOptions options;
  options.kernels.wanted = "own:mat_vec";
  const auto steps = Executable::compile(network, {1, 24, 3, 3}, options)->steps();
  EXPECT_TRUE(std::any_of(steps.begin(), steps.end(), [](const StepInfo& s) {
    return s.node == "head" && s.implementation.starts_with("own:mat_vec:");
  }));
  for (const int threads : {1, 2}) expect_engines_agree(network, {5, 24, 3, 3}, threads, "own:mat_vec");
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
