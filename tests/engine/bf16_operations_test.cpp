// Every operation of bf16 networks against the reference engine.
//
// Image and weights are rounded to bf16 first, so that products are exact and the sums, kept in f32, as good as in an
// f32 network: what is left is the rounding of every map that is stored, at most 2^-8 of the value (bf16 has 8
// significant bits).
#include <bit>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

constexpr double kRounding = 1.0 / 256.0;
/// What f32 sums may add.
constexpr double kSums = 2e-5;

float rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16 & 1U)) & 0xFFFF0000U);
}

graph::BoundGraph rounded_weights(graph::Graph network) {
  graph::BoundGraph bound = bind_formula(std::move(network));
  for (std::span<const float>& view : bound.values.views) {
    std::vector<float> values;
    for (const float v : view) values.push_back(rounded(v));
    const auto owner = std::make_shared<const OwnedValues>(std::move(values));
    view = owner->values;
    bound.values.owners.push_back(owner);
  }
  return bound;
}

std::vector<std::vector<float>> run_rounded(const graph::BoundGraph& network, const Shape& shape,
                                            const CompileOptions& options) {
  const auto executable = Executable::compile(network, shape, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(shape, "test");
  std::transform(image.data.begin(), image.data.end(), runner->input().begin(), rounded);
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

CompileOptions bf16_options(int threads = 1) {
  CompileOptions options;
  options.threads = threads;
  options.precision = Precision::kBf16;
  return options;
}

void expect_bf16_agrees(const graph::BoundGraph& network, const Shape& shape, double relative, int threads = 1) {
  const CompileOptions fast = bf16_options(threads);
  CompileOptions slow;
  slow.engine = EngineKind::kReference;
  const auto actual = run_rounded(network, shape, fast);
  const auto expected = run_rounded(network, shape, slow);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(test::close_to_max(actual[i], expected[i], relative)) << network.graph.outputs[i].name;
  }
}

bool lacks_amx() { return !why_unavailable(Precision::kBf16).empty(); }

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

class Bf16Convolution : public ::testing::TestWithParam<std::tuple<ConvCase, Shape>> {
 protected:
  void SetUp() override {
    if (lacks_amx()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  }
};

TEST_P(Bf16Convolution, EqualsTheReference) {
  const auto& [c, size] = GetParam();
  for (const ActivationKind kind : {ActivationKind::kHardSwish, ActivationKind::kRelu6}) {
    graph::GraphBuilder builder(c.in_channels);
    const graph::NodeId conv = builder.conv(builder.input(), "conv",
                                            {.out_channels = c.out_channels,
                                             .kernel = c.kernel,
                                             .stride = c.stride,
                                             .dilation = c.dilation,
                                             .groups = c.groups,
                                             .bias = true,
                                             .padding = c.padding});
    builder.output("y", builder.activation(conv, "act", kind));
    expect_bf16_agrees(rounded_weights(builder.take()), {size[0], c.in_channels, size[1], size[2]}, kRounding + kSums,
                       kind == ActivationKind::kRelu6 ? 2 : 1);
  }
}

const std::vector<ConvCase> kConvCases = {
    {"stem_rgb", 3, 16, 3, 2},
    {"stem_rgb_wide", 3, 32, 3, 2},
    {"stem_rgb_same", 3, 24, 3, 2, 1, 1, graph::PaddingMode::kSame},
    {"stem_gray", 1, 24, 3, 2},
    {"stem_two", 2, 8, 7, 2},
    {"stem_four", 4, 40, 5, 1},
    {"stem_five", 5, 17, 5, 1},
    {"stem_large_kernel", 3, 16, 9, 4},
    {"pointwise", 16, 72, 1, 1},
    {"pointwise_odd", 17, 23, 1, 1},
    {"pointwise_narrow", 72, 1, 1, 1},
    {"pointwise_wide", 40, 200, 1, 1},
    {"pointwise_deep", 112, 48, 1, 1},
    {"pointwise_stride", 24, 40, 1, 2},
    {"dense3", 24, 40, 3, 1},
    {"dense3_half_line", 12, 16, 3, 1},
    {"dense3_stride", 32, 96, 3, 2},
    {"dense3_stride_same", 40, 33, 3, 2, 1, 1, graph::PaddingMode::kSame},
    {"dense5_dilated", 20, 24, 5, 1, 2},
    {"depthwise3", 72, 72, 3, 1, 1, 72},
    {"depthwise3_half_line", 16, 16, 3, 1, 1, 16},
    {"depthwise3_stride", 72, 72, 3, 2, 1, 72},
    {"depthwise3_stride_same", 72, 72, 3, 2, 1, 72, graph::PaddingMode::kSame},
    {"depthwise5", 40, 40, 5, 1, 1, 40},
    {"depthwise5_stride", 40, 40, 5, 2, 1, 40},
    {"depthwise5_stride_same", 64, 64, 5, 2, 1, 64, graph::PaddingMode::kSame},
    {"depthwise7", 24, 24, 7, 1, 1, 24},
    {"depthwise7_stride", 24, 24, 7, 2, 1, 24},
    {"depthwise3_dilated", 24, 24, 3, 1, 2, 24},
    {"depthwise_odd_channels", 19, 19, 3, 1, 1, 19},
};

const std::vector<Shape> kConvSizes = {{1, 14, 14}, {3, 7, 7}, {2, 15, 22}, {1, 33, 9}, {1, 40, 49}, {1, 1, 1}};

INSTANTIATE_TEST_SUITE_P(Table, Bf16Convolution,
                         ::testing::Combine(::testing::ValuesIn(kConvCases), ::testing::ValuesIn(kConvSizes)),
                         [](const auto& c) {
                           return std::get<0>(c.param).name + "_" + std::get<1>(c.param).to_string();
                         });

struct NetworkCase {
  std::string name;
  std::function<void(graph::GraphBuilder&)> build;
};

class Bf16Network : public ::testing::TestWithParam<NetworkCase> {
 protected:
  void SetUp() override {
    if (lacks_amx()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  }
};

/// Four maps at most are rounded on the way to a result; their errors do not add up at one place.
TEST_P(Bf16Network, EqualsTheReference) {
  for (const int threads : {1, 2}) {
    graph::GraphBuilder builder(24);
    GetParam().build(builder);
    expect_bf16_agrees(rounded_weights(builder.take()), {3, 24, 13, 11}, 2 * kRounding, threads);
  }
}

graph::NodeId pointwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name, int64_t channels) {
  return b.conv(src, name, {.out_channels = channels, .bias = true});
}

graph::NodeId depthwise(graph::GraphBuilder& b, graph::NodeId src, const std::string& name) {
  return b.conv(src, name, {.out_channels = b.channels(src), .kernel = 3, .groups = b.channels(src), .bias = true});
}

graph::NodeId squeeze_excite(graph::GraphBuilder& b, graph::NodeId src, int64_t squeezed) {
  graph::NodeId gate = b.global_avg_pool(src, "pool");
  gate = b.activation(pointwise(b, gate, "reduce", squeezed), "inner", ActivationKind::kRelu);
  gate = b.activation(pointwise(b, gate, "expand", b.channels(src)), "gate", ActivationKind::kHardSigmoid);
  return b.mul(src, gate, "scale");
}

NetworkCase activation_case(ActivationKind kind) {
  return {"activation_" + std::string(to_string(kind)), [kind](graph::GraphBuilder& b) {
            // Fused into a convolution, behind a depthwise one, and on its own as the result before is handed out too.
            const graph::NodeId conv = pointwise(b, b.input(), "conv", 40);
            b.output("fused", b.activation(pointwise(b, conv, "second", 23), "act1", kind));
            b.output("behind", b.activation(depthwise(b, conv, "depthwise"), "act3", kind));
            b.output("raw", conv);
            b.output("alone", b.activation(conv, "act2", kind));
          }};
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
    {"residual_of_depthwise",
     [](graph::GraphBuilder& b) {
       const graph::NodeId conv = pointwise(b, b.input(), "conv", 40);
       b.output("y", b.add(depthwise(b, conv, "depthwise"), conv, "sum"));
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
    {"instance_norm_between_convolutions",
     [](graph::GraphBuilder& b) {
       const graph::NodeId norm = b.instance_norm(pointwise(b, b.input(), "conv", 19), "norm", 1e-5);
       b.output("y", pointwise(b, norm, "second", 24));
     }},
    {"concat_and_resize",
     [](graph::GraphBuilder& b) {
       const graph::NodeId fine = pointwise(b, b.input(), "fine", 20);
       const graph::NodeId coarse = b.conv(fine, "coarse", {.out_channels = 24, .kernel = 3, .stride = 2});
       const graph::NodeId back = b.resize_like(coarse, fine, "resize", graph::ResizeMode::kBilinear);
       b.output("y", pointwise(b, b.concat({fine, back}, "concat"), "last", 17));
     }},
    {"attention",
     [](graph::GraphBuilder& b) {
       const graph::NodeId query = pointwise(b, b.input(), "query", 64);
       const graph::NodeId key = pointwise(b, b.input(), "key", 16);
       const graph::NodeId value = pointwise(b, b.input(), "value", 16);
       b.output("y", pointwise(b, b.multi_query_attention(query, key, value, "attention", 4), "project", 24));
     }},
    {"classifier",
     [](graph::GraphBuilder& b) {
       const graph::NodeId pooled = b.flatten(b.global_avg_pool(pointwise(b, b.input(), "conv", 50), "pool"), "flat");
       const graph::NodeId hidden =
           b.activation(b.linear(pooled, "hidden", 70, true), "act", ActivationKind::kHardSwish);
       b.output("logits", b.linear(hidden, "classifier", 13, false));
     }},
    {"classifier_of_a_convolution",
     [](graph::GraphBuilder& b) {
       const graph::NodeId pooled = b.global_avg_pool(pointwise(b, b.input(), "conv", 50), "pool");
       const graph::NodeId hidden = b.activation(pointwise(b, pooled, "hidden", 33), "act", ActivationKind::kRelu);
       b.output("logits", b.linear(b.flatten(hidden, "flat"), "classifier", 13, true));
     }},
    {"flatten_of_a_map",
     [](graph::GraphBuilder& b) { b.output("flat", b.flatten(pointwise(b, b.input(), "conv", 5), "flat")); }},
};

INSTANTIATE_TEST_SUITE_P(Table, Bf16Network, ::testing::ValuesIn(kNetworkCases),
                         [](const auto& c) { return c.param.name; });

/// A convolution and the depthwise one behind it whose map between them is large enough for one step.
struct ExpandCase {
  Shape image;
  int64_t expanded;
  int64_t kernel;
  int64_t stride;
  int64_t expand_kernel = 1;
  int64_t expand_stride = 1;
};

class Bf16ExpandDepthwise : public ::testing::TestWithParam<ExpandCase> {
 protected:
  void SetUp() override {
    if (lacks_amx()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  }
};

TEST_P(Bf16ExpandDepthwise, EqualsTheReferenceInOneStep) {
  const ExpandCase& c = GetParam();
  for (const int threads : {1, 2}) {
    graph::GraphBuilder b(c.image[1]);
    const graph::NodeId expand =
        b.conv(b.input(), "expand",
               {.out_channels = c.expanded, .kernel = c.expand_kernel, .stride = c.expand_stride, .bias = true});
    const graph::NodeId depthwise = b.conv(
        b.activation(expand, "act", threads == 1 ? ActivationKind::kHardSwish : ActivationKind::kSigmoid), "depthwise",
        {.out_channels = c.expanded, .kernel = c.kernel, .stride = c.stride, .groups = c.expanded, .bias = true});
    b.output("y", b.activation(depthwise, "act2", ActivationKind::kRelu));
    const graph::BoundGraph network = rounded_weights(b.take());
    const auto executable = Executable::compile(network, c.image, bf16_options(threads));
    std::vector<std::string> implementations;
    for (const StepInfo& step : executable->steps()) implementations.push_back(step.implementation);
    EXPECT_THAT(implementations, ::testing::Contains("own:amx_expand_depthwise"));
    // The map between the two is not rounded.
    expect_bf16_agrees(network, c.image, kRounding + kSums, threads);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Bf16ExpandDepthwise,
    ::testing::Values(ExpandCase{{1, 24, 40, 40}, 96, 3, 1}, ExpandCase{{2, 24, 40, 40}, 72, 5, 1},
                      ExpandCase{{1, 32, 14, 14}, 672, 5, 2}, ExpandCase{{1, 40, 15, 14}, 600, 3, 1},
                      ExpandCase{{1, 16, 30, 112}, 64, 3, 2}, ExpandCase{{1, 20, 33, 130}, 40, 7, 1},
                      ExpandCase{{1, 80, 41, 33}, 100, 7, 2}, ExpandCase{{2, 3, 150, 97}, 48, 3, 1, 3, 2},
                      ExpandCase{{1, 3, 180, 180}, 16, 3, 1, 3, 2}, ExpandCase{{1, 12, 60, 60}, 96, 3, 1, 3, 1}),
    [](const auto& c) { return "case" + std::to_string(c.index); });

TEST(Bf16Network, KeepsConvolutionsOnTiles) {
  if (lacks_amx()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2});
  b.output("y", b.instance_norm(pointwise(b, depthwise(b, stem, "depthwise"), "project", 32), "norm", 1e-5));
  const auto executable =
      Executable::compile(rounded_weights(b.take()), {1, 3, 32, 32}, {.precision = Precision::kBf16});
  std::vector<std::string> implementations;
  for (const StepInfo& step : executable->steps()) implementations.push_back(step.implementation);
  EXPECT_THAT(implementations,
              ::testing::ElementsAre("own:amx_first", "own:depthwise_bf16", "own:amx_pointwise", "own:bf16_to_blocked",
                                     "own:instance_norm:avx512", "own:to_planar:avx512"));
}

}  // namespace
}  // namespace zoo::engine
