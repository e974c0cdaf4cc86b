// Every operation of bf16 networks against the reference engine.
//
// Image and weights are rounded to bf16 first, so that products are exact and the sums, kept in f32, as good as in an
// f32 network: what is left is the rounding of every map that is stored, at most 2^-8 of the value (bf16 has 8
// significant bits).
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/choice/kernel_choice.h"
#include "tests/engine/bf16_sets.h"
#include "tests/engine/network_cases.h"
#include "tests/engine/network_fixture.h"

namespace zoo::engine {
namespace {

constexpr double kRounding = 1.0 / 256.0;
/// What f32 sums may add.
constexpr double kSums = 2e-5;

std::vector<std::vector<float>> run_rounded(const graph::BoundGraph& network, const Shape& shape,
                                            const CompileOptions& options) {
  const auto executable = Executable::compile(network, shape, options);
  const auto runner = executable->new_runner(options.tuned_threads);
  const Tensor image = weights::formula_input(shape, "test");
  std::transform(image.data.begin(), image.data.end(), runner->input().begin(), rounded);
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

CompileOptions bf16_options(InstructionSet isa, int threads = 1) {
  CompileOptions options;
  options.kernels.isa = isa;
  options.tuned_threads = threads;
  options.precision = Precision::kBf16;
  // The order of candidates decides, and kernels in software are not measured.
  options.kernels.timing = KernelTiming::kKnownOnly;
  options.kernels.cache = "";
  return options;
}

/// By every set of instructions.
void expect_bf16_agrees(const graph::BoundGraph& network, const Shape& shape, double relative, int threads = 1) {
  CompileOptions slow;
  slow.engine = EngineKind::kReference;
  const auto expected = run_rounded(network, shape, slow);
  for (const Bf16Set& set : bf16_sets()) {
    const auto actual = run_rounded(network, shape, bf16_options(set.held_to, threads));
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_TRUE(test::close_to_max(actual[i], expected[i], relative))
          << set.prefix << " " << network.graph.outputs[i].name;
    }
  }
}

bool cannot_run() { return !why_unavailable(Precision::kBf16).empty(); }

class Bf16Convolution : public ::testing::TestWithParam<std::tuple<ConvCase, Shape>> {
 protected:
  void SetUp() override {
    if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  }
};

TEST_P(Bf16Convolution, EqualsTheReference) {
  const auto& [c, size] = GetParam();
  for (const ActivationKind kind : {ActivationKind::kHardSwish, ActivationKind::kRelu6}) {
    graph::GraphBuilder builder(c.in_channels);
    graph::ConvOptions options = c.options();
    options.bias = true;
    const graph::NodeId conv = builder.conv(builder.input(), "conv", options);
    builder.output("y", builder.activation(conv, "act", kind));
    expect_bf16_agrees(rounded_weights(builder.take()), {size[0], c.in_channels, size[1], size[2]}, kRounding + kSums,
                       kind == ActivationKind::kRelu6 ? 2 : 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Bf16Convolution,
                         ::testing::Combine(::testing::ValuesIn(conv_cases()), ::testing::ValuesIn(conv_sizes())),
                         [](const auto& c) {
                           return std::get<0>(c.param).name + "_" + std::get<1>(c.param).to_string();
                         });

/// The first convolution of most networks: 3x3 of an image's three channels.
struct FirstCase {
  Shape image;
  int64_t stride;
  graph::PaddingMode padding;
};

class Bf16FirstConvolution : public ::testing::TestWithParam<FirstCase> {
 protected:
  void SetUp() override {
    if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  }
};

TEST_P(Bf16FirstConvolution, EqualsTheReference) {
  for (const int threads : {1, 3}) {
    graph::GraphBuilder b(3);
    const graph::NodeId conv = b.conv(
        b.input(), "conv",
        {.out_channels = 40, .kernel = 3, .stride = GetParam().stride, .bias = true, .padding = GetParam().padding});
    b.output("y", b.activation(conv, "act", ActivationKind::kHardSwish));
    expect_bf16_agrees(rounded_weights(b.take()), GetParam().image, kRounding + kSums, threads);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Bf16FirstConvolution,
                         ::testing::Values(FirstCase{{1, 3, 64, 64}, 2, graph::PaddingMode::kExplicit},
                                           FirstCase{{2, 3, 37, 51}, 2, graph::PaddingMode::kExplicit},
                                           FirstCase{{1, 3, 32, 32}, 2, graph::PaddingMode::kSame},
                                           FirstCase{{2, 3, 33, 18}, 1, graph::PaddingMode::kExplicit},
                                           FirstCase{{1, 3, 20, 600}, 1, graph::PaddingMode::kExplicit},
                                           FirstCase{{1, 3, 9, 1150}, 2, graph::PaddingMode::kSame},
                                           FirstCase{{1, 3, 1, 1}, 2, graph::PaddingMode::kExplicit},
                                           FirstCase{{1, 3, 40, 47}, 3, graph::PaddingMode::kExplicit}),
                         [](const auto& c) {
                           return c.param.image.to_string() + "_stride" + std::to_string(c.param.stride) +
                                  (c.param.padding == graph::PaddingMode::kSame ? "_same" : "");
                         });

TEST(Bf16FirstConvolutionAlone, AddsAResidual) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(3);
  const graph::NodeId conv = b.conv(b.input(), "conv", {.out_channels = 3, .kernel = 3, .bias = true});
  b.output("y", b.add(conv, b.input(), "sum"));
  expect_bf16_agrees(rounded_weights(b.take()), {1, 3, 20, 23}, kRounding + kSums);
}

class Bf16Network : public ::testing::TestWithParam<NetworkCase> {
 protected:
  void SetUp() override {
    if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
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

INSTANTIATE_TEST_SUITE_P(Table, Bf16Network, ::testing::ValuesIn(network_cases()),
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
    if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
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
    for (const Bf16Set& set : bf16_sets()) {
      EXPECT_THAT(implementations(network, c.image, bf16_options(set.held_to, threads)),
                  ::testing::Contains(::testing::HasSubstr(set.prefix + "expand_depthwise")));
    }
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

// Widths that no tile divides: those that overlap count every position once.
TEST(Bf16Network, DepthwiseConvolutionsYieldTheSumsForSqueezeAndExcite) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  for (const auto& [width, channels] : {std::pair{6, 40}, {9, 16}, {11, 72}, {13, 100}, {33, 24}}) {
    for (const bool expanded : {false, true}) {
      graph::GraphBuilder b(16);
      const graph::NodeId wide = pointwise(b, b.input(), "wide", channels);
      const graph::NodeId tapped = expanded ? wide : b.activation(wide, "act", ActivationKind::kSigmoid);
      if (!expanded) b.output("tap", tapped);
      graph::NodeId node = b.activation(depthwise(b, tapped, "depthwise"), "act2", ActivationKind::kHardSwish);
      node = squeeze_excite(b, node, 8);
      b.output("y", pointwise(b, node, "project", 24));
      const graph::BoundGraph network = rounded_weights(b.take());
      const Shape shape = {2, 16, 7, width};
      CompileOptions slow;
      slow.engine = EngineKind::kReference;
      const auto expected = run_rounded(network, shape, slow);
      for (const Bf16Set& set : bf16_sets()) {
        CompileOptions options = bf16_options(set.held_to);
        options.kernels.wanted = expanded ? set.prefix + "expand_depthwise" : "depthwise_bf16";
        const auto steps = implementations(network, shape, options);
        EXPECT_THAT(steps, ::testing::Contains(::testing::HasSubstr("own:excite_bf16")));
        EXPECT_THAT(steps, ::testing::Contains(::testing::HasSubstr(options.kernels.wanted)));
        const auto actual = run_rounded(network, shape, options);
        EXPECT_TRUE(test::close_to_max(actual.back(), expected.back(), 3 * kRounding)) << width << " wide";
        options.tuned_threads = 2;
        EXPECT_EQ(run_rounded(network, shape, options), actual) << width << " wide";
      }
    }
  }
}

// What the depthwise convolution yields is not what is squeezed.
TEST(Bf16Network, TakesNoSumsBeforeAnActivationThatIsAStepOfItsOwn) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(16);
  const graph::NodeId wide = pointwise(b, b.input(), "wide", 24);
  const graph::NodeId act = b.activation(depthwise(b, wide, "depthwise"), "act", ActivationKind::kHardSigmoid);
  b.output("y", pointwise(b, squeeze_excite(b, act, 8), "project", 24));
  const graph::BoundGraph network = rounded_weights(b.take());
  const Shape shape = {2, 16, 7, 9};
  for (const Bf16Set& set : bf16_sets()) {
    EXPECT_THAT(implementations(network, shape, bf16_options(set.held_to)),
                ::testing::IsSupersetOf(
                    {::testing::HasSubstr("own:activation_bf16"), ::testing::HasSubstr("own:squeeze_excite_bf16")}));
  }
  expect_bf16_agrees(network, shape, 3 * kRounding);
}

TEST(Bf16Network, KeepsConvolutionsInBf16) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2});
  b.output("y", b.instance_norm(pointwise(b, depthwise(b, stem, "depthwise"), "project", 32), "norm", 1e-5));
  const graph::BoundGraph network = rounded_weights(b.take());
  for (const Bf16Set& set : bf16_sets()) {
    const auto executable = Executable::compile(network, {1, 3, 32, 32}, bf16_options(set.held_to));
    std::vector<std::string> implementations;
    for (const StepInfo& step : executable->steps()) implementations.push_back(step.implementation);
    EXPECT_THAT(implementations,
                ::testing::ElementsAre(set.prefix + "first", "own:depthwise_bf16", set.prefix + "pointwise",
                                       "own:bf16_to_blocked", "own:instance_norm:avx512", "own:to_planar:avx512"));
  }
}

TEST(Bf16Network, KernelsAreChosenByName) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(3);
  const graph::NodeId stem = b.conv(b.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2});
  b.output("y", depthwise(b, pointwise(b, stem, "expand", 64), "depthwise"));
  const graph::BoundGraph network = rounded_weights(b.take());
  const Shape shape = {1, 3, 32, 32};
  const auto with = [&](const Bf16Set& set, const std::string& wanted) {
    CompileOptions options = bf16_options(set.held_to);
    options.kernels.wanted = wanted;
    return implementations(network, shape, options);
  };
  const auto contains = [](const std::string& name) { return ::testing::Contains(::testing::HasSubstr(name)); };
  for (const Bf16Set& set : bf16_sets()) {
    EXPECT_THAT(with(set, set.prefix + "padded_first"), contains(set.prefix + "padded_first"));
    EXPECT_THAT(with(set, "padded_first"), contains(set.prefix + "padded_first"));
    EXPECT_THAT(with(set, "expand_depthwise"), contains(set.prefix + "expand_depthwise"));
    EXPECT_THAT(with(set, "depthwise_bf16"), contains("own:depthwise_bf16"));
    try {
      with(set, "first_of_all");
      FAIL() << "expected UnknownKernelError";
    } catch (const UnknownKernelError& error) {
      for (const char* kernel : {"expand_depthwise", "first", "padded_first"}) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr(set.prefix + kernel));
      }
    }
  }
  // A narrower set's kernels stand beside those of the best.
  EXPECT_THAT(with(bf16_sets().front(), "own:dot_first"), contains("own:dot_first"));
  expect_bf16_agrees(network, shape, 4 * kRounding);
}

// DeepLab's ASPP: of 3x3 taps 36 positions apart only the middle one ever reads a map of 14x14.
TEST(Bf16Network, TapsThatNeverReadTheMapAreDropped) {
  if (cannot_run()) GTEST_SKIP() << why_unavailable(Precision::kBf16);
  graph::GraphBuilder b(3);
  const graph::NodeId stem = pointwise(b, b.input(), "stem", 960);
  b.output("y", b.conv(stem, "aspp", {.out_channels = 256, .kernel = 3, .dilation = 36, .bias = true}));
  const graph::BoundGraph network = rounded_weights(b.take());
  const Shape shape = {1, 3, 14, 14};
  expect_bf16_agrees(network, shape, 4 * kRounding);
  for (const Bf16Set& set : bf16_sets()) {
    size_t bytes = 0;
    for (const StepInfo& step : Executable::compile(network, shape, bf16_options(set.held_to))->steps()) {
      if (step.node == "aspp") bytes += step.weight_bytes;
    }
    EXPECT_GE(bytes, size_t{960} * 256 * sizeof(uint16_t));
    EXPECT_LT(bytes, size_t{2} * 960 * 256 * sizeof(uint16_t));
  }
}

}  // namespace
}  // namespace zoo::engine
