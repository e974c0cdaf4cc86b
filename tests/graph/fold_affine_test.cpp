#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"
#include "nn/graph/passes.h"
#include "tests/graph/evaluator.h"

namespace zoo::graph {
namespace {

using ::testing::ElementsAre;
using testing::expect_same_outputs;
using testing::find_node;
using testing::node_names;
using testing::random_tensor;
using testing::with_random_values;

// One float rounding per weight and bias, summed over at most 45 products.
constexpr double kTolerance = 1e-6;

void expect_consistent(const BoundGraph& network) {
  ASSERT_EQ(network.graph.parameters.size(), network.values.views.size());
  std::vector<bool> used(network.graph.parameters.size(), false);
  for (const Node& node : network.graph.nodes) {
    for (const ParameterId id : parameters_of(node.op)) used[static_cast<size_t>(id)] = true;
  }
  for (size_t id = 0; id < used.size(); ++id) {
    const auto expected = used[id] ? static_cast<size_t>(network.graph.parameters[id].shape.elements()) : 0U;
    EXPECT_EQ(network.values.views[id].size(), expected) << network.graph.parameters[id].name;
  }
}

struct ConvNormCase {
  std::string name;
  ConvOptions options;
};

class FoldConvNorm : public ::testing::TestWithParam<ConvNormCase> {};

TEST_P(FoldConvNorm, KeepsTheResult) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", GetParam().options);
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  builder.output("out", norm);
  const BoundGraph network = with_random_values(builder.take(), 1);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv"));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 7, 6}, 2), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Convolutions, FoldConvNorm,
    ::testing::Values(ConvNormCase{"Plain", {.out_channels = 6, .kernel = 3}},
                      ConvNormCase{"Bias", {.out_channels = 6, .kernel = 3, .stride = 2, .bias = true}},
                      ConvNormCase{"Pointwise", {.out_channels = 5}},
                      ConvNormCase{"Depthwise", {.out_channels = 4, .kernel = 5, .groups = 4}},
                      ConvNormCase{"Grouped", {.out_channels = 6, .kernel = 3, .dilation = 2, .groups = 2}},
                      ConvNormCase{"Same",
                                   {.out_channels = 6, .kernel = 3, .stride = 2, .padding = PaddingMode::kSame}}),
    [](const auto& param_info) { return param_info.param.name; });

// A layer on several levels of a pyramid.
TEST(FoldBatchNorm, KeepsSharedLayersShared) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4, .kernel = 3, .bias = true});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  const NodeId conv_again = builder.repeat(conv, norm, "conv_again");
  const NodeId norm_again = builder.repeat(norm, conv_again, "norm_again");
  builder.output("out", norm_again);
  const BoundGraph network = with_random_values(builder.take(), 5);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "conv_again"));
  EXPECT_EQ(parameters_of(folded.graph[1].op), parameters_of(folded.graph[2].op));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 7, 6}, 6), kTolerance);
}

TEST(FoldBatchNorm, SplitsASharedLayerThatGoesOnDifferently) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4, .kernel = 3});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-3);
  const NodeId second = builder.batch_norm(builder.repeat(conv, norm, "conv1"), "norm1", 1e-3);
  builder.output("plain", builder.repeat(conv, second, "conv2"));
  const BoundGraph network = with_random_values(builder.take(), 7);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "conv1", "conv2"));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 7, 6}, 8), kTolerance);
}

TEST(FoldBatchNorm, RoundsEachWeightOnce) {
  GraphBuilder builder(1);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 1});
  builder.output("out", builder.batch_norm(conv, "norm", 1e-3));
  BoundGraph network{builder.take(), {}};
  const std::vector<float> weight = {0.1F};
  const std::vector<float> gamma = {3.3F};
  const std::vector<float> beta = {-0.7F};
  const std::vector<float> mean = {1.7F};
  const std::vector<float> var = {0.9F};
  network.values.views = {weight, gamma, beta, mean, var};
  const BoundGraph folded = fold_affine(network);

  const auto& op = std::get<Conv2d>(folded.graph[1].op);
  const double scale = double{gamma[0]} / std::sqrt(double{var[0]} + 1e-3);
  EXPECT_EQ(folded.values.views[static_cast<size_t>(op.weight)][0], static_cast<float>(double{weight[0]} * scale));
  EXPECT_EQ(folded.values.views[static_cast<size_t>(op.bias)][0],
            static_cast<float>(double{beta[0]} - double{mean[0]} * scale));
}

TEST(FoldBatchNorm, AppendsParametersAndEmptiesTheOldOnes) {
  GraphBuilder builder(3);
  ParameterRole role;
  role.part = "project";
  builder.set_role(role);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4, .kernel = 3});
  builder.output("out", builder.batch_norm(conv, "norm", 1e-3));
  const BoundGraph network = with_random_values(builder.take(), 1);
  const BoundGraph folded = fold_affine(network);

  ASSERT_EQ(folded.graph.parameters.size(), 7U);
  for (size_t id = 0; id < 5; ++id) {
    EXPECT_EQ(folded.graph.parameters[id].name, network.graph.parameters[id].name);
    EXPECT_TRUE(folded.values.views[id].empty());
  }
  EXPECT_EQ(folded.graph.parameters[5].name, "conv.folded_weight");
  EXPECT_EQ(folded.graph.parameters[5].shape, (Shape{4, 3, 3, 3}));
  EXPECT_EQ(folded.graph.parameters[5].role.part, "project");
  EXPECT_EQ(folded.graph.parameters[6].name, "conv.folded_bias");
  EXPECT_EQ(folded.graph.parameters[6].shape, (Shape{4}));
  EXPECT_EQ(folded.graph.parameters[6].role.field, Field::kBias);
}

TEST(FoldBatchNorm, FoldsIntoALinearLayer) {
  GraphBuilder builder(4);
  const NodeId flat = builder.flatten(builder.global_avg_pool(builder.input(), "pool"), "flat");
  const NodeId linear = builder.linear(flat, "fc", 6, true);
  builder.output("out", builder.batch_norm(linear, "norm", 1e-5));
  const BoundGraph network = with_random_values(builder.take(), 3);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "pool", "flat", "fc"));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 3, 3}, 4), kTolerance);
}

TEST(FoldBatchNorm, FoldsTwoNormsInARow) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  const NodeId first = builder.batch_norm(conv, "first", 1e-5);
  builder.output("out", builder.batch_norm(first, "second", 1e-5));
  const BoundGraph network = with_random_values(builder.take(), 3);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv"));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 3, 3}, 4), kTolerance);
}

TEST(FoldBatchNorm, KeepsANormThatIsAnOutputApartFromTheNext) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  const NodeId first = builder.batch_norm(conv, "first", 1e-5);
  builder.output("feature.0", first);
  builder.output("out", builder.batch_norm(first, "second", 1e-5));
  const BoundGraph network = with_random_values(builder.take(), 3);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "second"));
  expect_same_outputs(network, folded, random_tensor({2, 4, 3, 3}, 4), kTolerance);
}

/// Builds up to the value that the norm reads.
struct StandAloneCase {
  std::string name;
  NodeId (*source)(GraphBuilder&);
};

class FoldStandAloneNorm : public ::testing::TestWithParam<StandAloneCase> {};

TEST_P(FoldStandAloneNorm, BecomesADepthwiseConvolution) {
  GraphBuilder builder(4);
  const NodeId source = GetParam().source(builder);
  builder.output("out", builder.batch_norm(source, "norm", 1e-3));
  const BoundGraph network = with_random_values(builder.take(), 5);
  const BoundGraph folded = fold_affine(network);

  EXPECT_EQ(node_names(folded.graph), node_names(network.graph));
  const auto& conv = std::get<Conv2d>(find_node(folded.graph, "norm").op);
  EXPECT_EQ(conv.groups, 4);
  EXPECT_EQ(conv.kernel, (Size2d{1, 1}));
  EXPECT_EQ(conv.pad, (Size2d{0, 0}));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 6), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    Sources, FoldStandAloneNorm,
    ::testing::Values(
        StandAloneCase{"Input", [](GraphBuilder&) { return NodeId{0}; }},
        StandAloneCase{"Add", [](GraphBuilder& b) { return b.add(b.conv(0, "conv", {.out_channels = 4}), 0, "sum"); }},
        StandAloneCase{"Activation",
                       [](GraphBuilder& b) {
                         return b.activation(b.conv(0, "conv", {.out_channels = 4}), "act", ActivationKind::kRelu);
                       }},
        StandAloneCase{"ConvThatIsAnOutput",
                       [](GraphBuilder& b) {
                         const NodeId conv = b.conv(0, "conv", {.out_channels = 4});
                         b.output("feature.0", conv);
                         return conv;
                       }},
        StandAloneCase{"ConvWithAnotherReader",
                       [](GraphBuilder& b) {
                         const NodeId conv = b.conv(0, "conv", {.out_channels = 4});
                         b.output("other", b.activation(conv, "act", ActivationKind::kRelu));
                         return conv;
                       }}),
    [](const auto& param_info) { return param_info.param.name; });

TEST(FoldBatchNorm, DoesNotFoldBehindAFusedActivation) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  const NodeId act = builder.activation(conv, "act", ActivationKind::kRelu);
  builder.output("out", builder.batch_norm(act, "norm", 1e-3));
  BoundGraph network = with_random_values(builder.take(), 7);
  network.graph = fuse_activations(network.graph);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "norm"));
  expect_same_outputs(network, folded, random_tensor({1, 4, 5, 6}, 8), kTolerance);
}

TEST(FoldBatchNorm, DoesNotFoldBehindAFusedResidual) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  const NodeId sum = builder.add(conv, builder.input(), "sum");
  builder.output("out", builder.batch_norm(sum, "norm", 1e-3));
  BoundGraph network = with_random_values(builder.take(), 7);
  network.graph = fuse_residuals(network.graph);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "norm"));
  expect_same_outputs(network, folded, random_tensor({1, 4, 5, 6}, 8), kTolerance);
}

TEST(FoldBatchNorm, MakesADiagonalLinearLayerOnVectors) {
  GraphBuilder builder(4);
  const NodeId flat = builder.flatten(builder.global_avg_pool(builder.input(), "pool"), "flat");
  builder.output("out", builder.batch_norm(flat, "norm", 1e-3));
  const BoundGraph network = with_random_values(builder.take(), 9);
  const BoundGraph folded = fold_affine(network);

  EXPECT_TRUE(std::holds_alternative<Linear>(find_node(folded.graph, "norm").op));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 10), kTolerance);
}

TEST(FoldBatchNorm, KeepsWeightsThatTwoConvolutionsShare) {
  GraphBuilder builder(4);
  const NodeId a = builder.conv(builder.input(), "a", {.out_channels = 4});
  const NodeId b = builder.conv(a, "b", {.out_channels = 4});
  builder.output("out", builder.batch_norm(b, "norm", 1e-3));
  Graph graph = builder.take();
  std::get<Conv2d>(graph.nodes[2].op).weight = std::get<Conv2d>(graph.nodes[1].op).weight;
  const BoundGraph network = with_random_values(graph, 11);
  const BoundGraph folded = fold_affine(network);

  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({1, 4, 5, 6}, 12), kTolerance);
}

TEST(FoldBatchNorm, RejectsAVarianceThatIsNotPositive) {
  GraphBuilder builder(2);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 2});
  builder.batch_norm(conv, "norm", 0.25);
  BoundGraph network = with_random_values(builder.take(), 13);
  const std::vector<float> var = {1.0F, -0.5F};
  network.values.views[4] = var;
  try {
    fold_affine(network);
    FAIL() << "no WeightError";
  } catch (const WeightError& error) {
    EXPECT_STREQ(error.what(),
                 R"(parameter "norm.running_var": value -0.5 of channel 1 plus eps 0.25 is not positive)");
  }
}

TEST(FoldBatchNorm, RejectsValuesThatDoNotMatchTheParameters) {
  GraphBuilder builder(2);
  builder.conv(builder.input(), "conv", {.out_channels = 2, .bias = true});
  BoundGraph network = with_random_values(builder.take(), 13);
  const auto message = [&] {
    try {
      fold_affine(network);
    } catch (const GraphError& error) {
      return std::string(error.what());
    }
    return std::string("no GraphError");
  };
  network.values.views[0] = {};
  EXPECT_EQ(message(), R"(parameter "conv.weight": 2x2x1x1 has 4 values, got 0)");
  network.values.views.pop_back();
  EXPECT_EQ(message(), "the graph has 2 parameters, but 1 have values");
}

TEST(FoldScaleChannels, GoesIntoTheConvolutionWithTheNormBeforeIt) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 6, .kernel = 3});
  builder.output("out", builder.scale_channels(builder.batch_norm(conv, "norm", 1e-3), "scale"));
  const BoundGraph network = with_random_values(builder.take(), 14);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv"));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 15), kTolerance);
  // Once rounded: conv.weight, the norm's four, gamma, then one folded weight and one folded bias.
  EXPECT_EQ(folded.graph.parameters.size(), 8U);
}

TEST(FoldScaleChannels, RoundsTheProductOfNormAndScaleOnce) {
  GraphBuilder builder(1);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 1});
  builder.output("out", builder.scale_channels(builder.batch_norm(conv, "norm", 1e-3), "scale"));
  BoundGraph network = with_random_values(builder.take(), 16);
  const std::vector<std::vector<float>> values = {{0.3F}, {1.7F}, {0.9F}, {0.21F}, {0.77F}, {0.1F}};
  for (size_t id = 0; id < values.size(); ++id) network.values.views[id] = values[id];
  const BoundGraph folded = fold_affine(network);

  const auto& op = std::get<Conv2d>(find_node(folded.graph, "conv").op);
  const double scale = double{1.7F} / std::sqrt(double{0.77F} + 1e-3);
  const double shift = double{0.9F} - double{0.21F} * scale;
  EXPECT_EQ(folded.values.views[static_cast<size_t>(op.weight)][0],
            static_cast<float>(double{0.3F} * (scale * double{0.1F})));
  EXPECT_EQ(folded.values.views[static_cast<size_t>(op.bias)][0], static_cast<float>(shift * double{0.1F}));
}

TEST(FoldScaleChannels, AddsNoBiasOfItsOwn) {
  GraphBuilder builder(4);
  const NodeId plain = builder.scale_channels(builder.conv(0, "plain", {.out_channels = 6}), "plain_scale");
  const NodeId biased = builder.conv(plain, "biased", {.out_channels = 6, .bias = true});
  builder.output("out", builder.scale_channels(biased, "biased_scale"));
  const BoundGraph network = with_random_values(builder.take(), 17);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "plain", "biased"));
  EXPECT_EQ(std::get<Conv2d>(find_node(folded.graph, "plain").op).bias, kNone);
  EXPECT_NE(std::get<Conv2d>(find_node(folded.graph, "biased").op).bias, kNone);
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 18), kTolerance);
}

TEST(FoldScaleChannels, BecomesAPerChannelConvolutionElsewhere) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  builder.output("feature.0", conv);
  const NodeId scale = builder.scale_channels(conv, "scale");
  builder.output("out", builder.add(scale, builder.scale_channels(0, "image_scale"), "sum"));
  const BoundGraph network = with_random_values(builder.take(), 19);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "scale", "image_scale", "sum"));
  for (const char* name : {"scale", "image_scale"}) {
    const auto& op = std::get<Conv2d>(find_node(folded.graph, name).op);
    EXPECT_EQ(op.groups, 4);
    EXPECT_EQ(op.kernel, (Size2d{1, 1}));
    EXPECT_EQ(op.bias, kNone);
  }
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 20), kTolerance);
}

TEST(FoldScaleChannels, StaysBehindAnActivation) {
  GraphBuilder builder(4);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 4});
  const NodeId act = builder.activation(conv, "act", ActivationKind::kHardSwish);
  builder.output("out", builder.scale_channels(act, "scale"));
  const BoundGraph network = with_random_values(builder.take(), 21);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "conv", "act", "scale"));
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 22), kTolerance);
}

TEST(FoldAffine, MakesOneLayerOfAChainWithoutConvolution) {
  GraphBuilder builder(4);
  const NodeId scale = builder.scale_channels(builder.input(), "first");
  const NodeId norm = builder.batch_norm(scale, "norm", 1e-3);
  builder.output("out", builder.scale_channels(norm, "last"));
  const BoundGraph network = with_random_values(builder.take(), 23);
  const BoundGraph folded = fold_affine(network);

  EXPECT_THAT(node_names(folded.graph), ElementsAre("input", "first"));
  EXPECT_TRUE(std::holds_alternative<Conv2d>(find_node(folded.graph, "first").op));
  expect_consistent(folded);
  expect_same_outputs(network, folded, random_tensor({2, 4, 5, 6}, 24), kTolerance);
}

TEST(LowerBlurPools, BecomesADepthwiseConvolution) {
  for (const int64_t stride : {1, 2, 3}) {
    GraphBuilder builder(4);
    const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 6});
    builder.output("out", builder.blur_pool(conv, "blur", stride));
    const BoundGraph network = with_random_values(builder.take(), 25);
    const BoundGraph lowered = lower_blur_pools(network);

    EXPECT_THAT(node_names(lowered.graph), ElementsAre("input", "conv", "blur"));
    const auto& op = std::get<Conv2d>(find_node(lowered.graph, "blur").op);
    EXPECT_EQ(op.groups, 6);
    EXPECT_EQ(lowered.graph.parameter(op.weight).name, "blur.filter");
    expect_consistent(lowered);
    expect_same_outputs(network, lowered, random_tensor({2, 4, 7, 6}, 26), 1e-12);
  }
}

}  // namespace
}  // namespace zoo::graph
