#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

/// Builds a graph on an image of 4 channels.
struct PassCase {
  std::string name;
  void (*build)(GraphBuilder&);
  std::vector<std::string> nodes;  ///< afterwards
};

std::string name_of_case(const ::testing::TestParamInfo<PassCase>& info) { return info.param.name; }

/// Runs a pass, compares the nodes and the values of all outputs.
template <typename Pass>
void check_pass(const PassCase& pass_case, const Pass& pass) {
  GraphBuilder builder(4);
  pass_case.build(builder);
  const BoundGraph network = with_random_values(builder.take(), 1);
  const BoundGraph rewritten{pass(network.graph), network.values};

  EXPECT_EQ(node_names(rewritten.graph), pass_case.nodes);
  EXPECT_EQ(rewritten.graph.parameters.size(), network.graph.parameters.size());
  expect_same_outputs(network, rewritten, random_tensor({2, 4, 5, 6}, 2), 1e-12);
}

NodeId conv4(GraphBuilder& builder, NodeId src, std::string_view name) {
  return builder.conv(src, name, {.out_channels = 4, .bias = true});
}

NodeId relu(GraphBuilder& builder, NodeId src, std::string_view name) {
  return builder.activation(src, name, ActivationKind::kRelu);
}

class FuseActivations : public ::testing::TestWithParam<PassCase> {};

TEST_P(FuseActivations, KeepsTheResult) { check_pass(GetParam(), fuse_activations); }

INSTANTIATE_TEST_SUITE_P(
    Found, FuseActivations,
    ::testing::Values(PassCase{"Conv",
                               [](GraphBuilder& b) { b.output("out", relu(b, conv4(b, 0, "conv"), "act")); },
                               {"input", "conv"}},
                      PassCase{"Prelu",
                               [](GraphBuilder& b) {
                                 b.output("out", b.activation(conv4(b, 0, "conv"), "act", ActivationKind::kPrelu));
                               },
                               {"input", "conv"}},
                      PassCase{"Linear",
                               [](GraphBuilder& b) {
                                 const NodeId flat = b.flatten(b.global_avg_pool(0, "pool"), "flat");
                                 b.output("out", relu(b, b.linear(flat, "fc", 3, true), "act"));
                               },
                               {"input", "pool", "flat", "fc"}},
                      PassCase{"ActivationWithSeveralReaders",
                               [](GraphBuilder& b) {
                                 const NodeId act = relu(b, conv4(b, 0, "conv"), "act");
                                 b.output("feature.0", act);
                                 b.output("sum", b.add(act, act, "sum"));
                               },
                               {"input", "conv", "sum"}}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(NotFound, FuseActivations,
                         ::testing::Values(PassCase{"ConvIsAnOutput",
                                                    [](GraphBuilder& b) {
                                                      const NodeId conv = conv4(b, 0, "conv");
                                                      b.output("feature.0", conv);
                                                      b.output("out", relu(b, conv, "act"));
                                                    },
                                                    {"input", "conv", "act"}},
                                           PassCase{"ConvHasAnotherReader",
                                                    [](GraphBuilder& b) {
                                                      const NodeId conv = conv4(b, 0, "conv");
                                                      b.output("out", b.add(relu(b, conv, "act"), conv, "sum"));
                                                    },
                                                    {"input", "conv", "act", "sum"}},
                                           PassCase{"BehindAnAddition",
                                                    [](GraphBuilder& b) {
                                                      b.output("out",
                                                               relu(b, b.add(conv4(b, 0, "conv"), 0, "sum"), "act"));
                                                    },
                                                    {"input", "conv", "sum", "act"}},
                                           PassCase{"SecondActivation",
                                                    [](GraphBuilder& b) {
                                                      const NodeId act = relu(b, conv4(b, 0, "conv"), "act");
                                                      b.output("out",
                                                               b.activation(act, "again", ActivationKind::kHardSwish));
                                                    },
                                                    {"input", "conv", "again"}}),
                         name_of_case);

TEST(FuseActivationsInto, TheConvolutionTheSlope) {
  GraphBuilder builder(4);
  const NodeId conv = conv4(builder, 0, "conv");
  builder.output("out", builder.activation(conv, "act", ActivationKind::kPrelu));
  const Graph fused = fuse_activations(builder.take());
  const auto& function = std::get<Conv2d>(fused[conv].op).activation;
  EXPECT_EQ(function.kind, ActivationKind::kPrelu);
  EXPECT_EQ(fused.parameter(function.slope).name, "act.weight");
  EXPECT_EQ(fused.outputs[0].node, conv);
}

class FuseResiduals : public ::testing::TestWithParam<PassCase> {};

TEST_P(FuseResiduals, KeepsTheResult) { check_pass(GetParam(), fuse_residuals); }

INSTANTIATE_TEST_SUITE_P(
    Found, FuseResiduals,
    ::testing::Values(PassCase{"Skip",
                               [](GraphBuilder& b) { b.output("out", b.add(0, conv4(b, 0, "conv"), "sum")); },
                               {"input", "conv"}},
                      PassCase{"ConvFirst",
                               [](GraphBuilder& b) { b.output("out", b.add(conv4(b, 0, "conv"), 0, "sum")); },
                               {"input", "conv"}},
                      PassCase{"LaterOfTwoConvs",
                               [](GraphBuilder& b) {
                                 const NodeId first = conv4(b, 0, "first");
                                 const NodeId second = conv4(b, 0, "second");
                                 b.output("out", b.add(first, second, "sum"));
                               },
                               {"input", "first", "second"}},
                      PassCase{"ConvMovesBehindItsResidual",
                               [](GraphBuilder& b) {
                                 const NodeId conv = conv4(b, 0, "conv");
                                 const NodeId other = relu(b, conv4(b, 0, "other"), "act");
                                 b.output("out", relu(b, b.add(conv, other, "sum"), "last"));
                               },
                               {"input", "other", "act", "conv", "last"}},
                      PassCase{"ConvTakesOnlyOneResidual",
                               [](GraphBuilder& b) {
                                 const NodeId conv = conv4(b, 0, "conv");
                                 const NodeId sum = b.add(conv, 0, "sum");
                                 b.output("out", b.add(sum, 0, "again"));
                               },
                               {"input", "conv", "again"}},
                      PassCase{"ChainOfBlocks",
                               [](GraphBuilder& b) {
                                 const NodeId first = b.add(conv4(b, 0, "a"), 0, "a_sum");
                                 const NodeId second = b.add(conv4(b, relu(b, first, "act"), "b"), first, "b_sum");
                                 b.output("out", second);
                               },
                               {"input", "a", "act", "b"}}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(NotFound, FuseResiduals,
                         ::testing::Values(PassCase{"ConvIsAnOutput",
                                                    [](GraphBuilder& b) {
                                                      const NodeId conv = conv4(b, 0, "conv");
                                                      b.output("feature.0", conv);
                                                      b.output("out", b.add(conv, 0, "sum"));
                                                    },
                                                    {"input", "conv", "sum"}},
                                           PassCase{"ConvHasAnotherReader",
                                                    [](GraphBuilder& b) {
                                                      const NodeId conv = conv4(b, 0, "conv");
                                                      b.output("out", b.add(conv, relu(b, conv, "act"), "sum"));
                                                    },
                                                    {"input", "conv", "act", "sum"}},
                                           PassCase{"ConvAddedToItself",
                                                    [](GraphBuilder& b) {
                                                      const NodeId conv = conv4(b, 0, "conv");
                                                      b.output("out", b.add(conv, conv, "sum"));
                                                    },
                                                    {"input", "conv", "sum"}},
                                           PassCase{"ActivationBeforeTheAddition",
                                                    [](GraphBuilder& b) {
                                                      b.output("out",
                                                               b.add(relu(b, conv4(b, 0, "conv"), "act"), 0, "sum"));
                                                    },
                                                    {"input", "conv", "act", "sum"}}),
                         name_of_case);

TEST(FuseResidualsInto, TheSecondInput) {
  GraphBuilder builder(4);
  const NodeId trunk = relu(builder, conv4(builder, 0, "trunk"), "act");
  const NodeId conv = conv4(builder, conv4(builder, trunk, "mid"), "conv");
  builder.output("out", builder.add(conv, trunk, "sum"));
  const Graph fused = fuse_residuals(builder.take());
  EXPECT_THAT(find_node(fused, "conv").inputs, ElementsAre(3, 2));
  EXPECT_EQ(fused[3].name, "mid");
  EXPECT_EQ(fused[2].name, "act");
}

TEST(FuseResidualsKeeps, TheAdditionBehindAFusedActivation) {
  GraphBuilder builder(4);
  builder.output("out", builder.add(relu(builder, conv4(builder, 0, "conv"), "act"), 0, "sum"));
  const Graph fused = fuse_residuals(fuse_activations(builder.take()));
  EXPECT_THAT(node_names(fused), ElementsAre("input", "conv", "sum"));
}

/// One squeeze-and-excite on `src`, with taps for the cases in which somebody else looks at a part of it.
struct SqueezeExciteNodes {
  NodeId pool, reduce, act, expand, gate, scale;
};

SqueezeExciteNodes squeeze_excite(GraphBuilder& b, NodeId src, NodeId scaled) {
  SqueezeExciteNodes se{};
  se.pool = b.global_avg_pool(src, "pool");
  se.reduce = b.conv(se.pool, "reduce", {.out_channels = 2, .bias = true});
  se.act = relu(b, se.reduce, "act");
  se.expand = b.conv(se.act, "expand", {.out_channels = 4, .bias = true});
  se.gate = b.activation(se.expand, "gate", ActivationKind::kHardSigmoid);
  se.scale = b.mul(scaled, se.gate, "scale");
  return se;
}

class FuseSqueezeExcite : public ::testing::TestWithParam<PassCase> {};

TEST_P(FuseSqueezeExcite, KeepsTheResult) {
  check_pass(GetParam(), [](const Graph& graph) {
    Graph fused = fuse_squeeze_excite(graph);
    const bool all_parts_left = fused.nodes.size() == graph.nodes.size();
    EXPECT_EQ(std::holds_alternative<Mul>(find_node(fused, "scale").op), all_parts_left);
    return fused;
  });
}

INSTANTIATE_TEST_SUITE_P(
    Found, FuseSqueezeExcite,
    ::testing::Values(
        PassCase{"Plain", [](GraphBuilder& b) { b.output("out", squeeze_excite(b, 0, 0).scale); }, {"input", "scale"}},
        PassCase{"InsideABlock",
                 [](GraphBuilder& b) {
                   const NodeId conv = conv4(b, 0, "conv");
                   b.output("out", b.add(squeeze_excite(b, conv, conv).scale, 0, "sum"));
                 },
                 {"input", "conv", "scale", "sum"}},
        PassCase{"ScaledValueIsAnOutput",
                 [](GraphBuilder& b) {
                   const NodeId conv = conv4(b, 0, "conv");
                   b.output("feature.0", conv);
                   b.output("out", squeeze_excite(b, conv, conv).scale);
                 },
                 {"input", "conv", "scale"}}),
    name_of_case);

const std::vector<std::string> kUnfused = {"input", "pool", "reduce", "act", "expand", "gate", "scale"};

INSTANTIATE_TEST_SUITE_P(
    NotFound, FuseSqueezeExcite,
    ::testing::Values(
        PassCase{"OtherValueIsScaled",
                 [](GraphBuilder& b) { b.output("out", squeeze_excite(b, 0, conv4(b, 0, "conv")).scale); },
                 {"input", "conv", "pool", "reduce", "act", "expand", "gate", "scale"}},
        PassCase{"PoolIsAnOutput",
                 [](GraphBuilder& b) {
                   const auto se = squeeze_excite(b, 0, 0);
                   b.output("pooled", se.pool);
                   b.output("out", se.scale);
                 },
                 kUnfused},
        PassCase{"GateIsAnOutput",
                 [](GraphBuilder& b) {
                   const auto se = squeeze_excite(b, 0, 0);
                   b.output("gate", se.gate);
                   b.output("out", se.scale);
                 },
                 kUnfused},
        PassCase{"ReduceHasAnotherReader",
                 [](GraphBuilder& b) {
                   const auto se = squeeze_excite(b, 0, 0);
                   b.output("flat", b.flatten(se.reduce, "flat"));
                   b.output("out", se.scale);
                 },
                 {"input", "pool", "reduce", "act", "expand", "gate", "scale", "flat"}},
        PassCase{"LargerKernel",
                 [](GraphBuilder& b) {
                   const NodeId reduce = b.conv(b.global_avg_pool(0, "pool"), "reduce", {.out_channels = 2});
                   const NodeId expand = b.conv(relu(b, reduce, "act"), "expand",
                                                {.out_channels = 4, .kernel = 3, .padding = PaddingMode::kSame});
                   b.output("out", b.mul(0, b.activation(expand, "gate", ActivationKind::kHardSigmoid), "scale"));
                 },
                 kUnfused},
        PassCase{"Groups",
                 [](GraphBuilder& b) {
                   const NodeId reduce =
                       b.conv(b.global_avg_pool(0, "pool"), "reduce", {.out_channels = 2, .groups = 2});
                   const NodeId expand = b.conv(relu(b, reduce, "act"), "expand", {.out_channels = 4});
                   b.output("out", b.mul(0, b.activation(expand, "gate", ActivationKind::kHardSigmoid), "scale"));
                 },
                 kUnfused}),
    name_of_case);

TEST(FuseSqueezeExciteInto, OneOperationWithAllParameters) {
  GraphBuilder builder(4);
  builder.output("out", squeeze_excite(builder, 0, 0).scale);
  const Graph graph = builder.take();
  for (const Graph& before : {graph, fuse_activations(graph)}) {
    const Graph fused = fuse_squeeze_excite(before);
    ASSERT_THAT(node_names(fused), ElementsAre("input", "scale"));
    EXPECT_THAT(fused[1].inputs, ElementsAre(0));
    const auto& se = std::get<SqueezeExcite>(fused[1].op);
    EXPECT_EQ(se.channels, 4);
    EXPECT_EQ(se.squeezed, 2);
    EXPECT_EQ(fused.parameter(se.reduce_weight).name, "reduce.weight");
    EXPECT_EQ(fused.parameter(se.reduce_bias).name, "reduce.bias");
    EXPECT_EQ(fused.parameter(se.expand_weight).name, "expand.weight");
    EXPECT_EQ(fused.parameter(se.expand_bias).name, "expand.bias");
    EXPECT_EQ(se.inner.kind, ActivationKind::kRelu);
    EXPECT_EQ(se.gate.kind, ActivationKind::kHardSigmoid);
  }
}

TEST(FuseSqueezeExciteKeeps, PaddedLayers) {
  GraphBuilder builder(4);
  const auto nodes = squeeze_excite(builder, 0, 0);
  builder.output("out", nodes.scale);
  Graph graph = builder.take();
  std::get<Conv2d>(graph.nodes[static_cast<size_t>(nodes.reduce)].op).pad = {1, 1};
  std::get<Conv2d>(graph.nodes[static_cast<size_t>(nodes.expand)].op).stride = {3, 3};
  EXPECT_EQ(node_names(fuse_squeeze_excite(graph)), node_names(graph));
}

TEST(FuseSqueezeExciteKeeps, TwoActivationsInARow) {
  GraphBuilder builder(4);
  const auto nodes = squeeze_excite(builder, 0, 0);
  builder.output("out", nodes.scale);
  Graph graph = builder.take();
  std::get<Conv2d>(graph.nodes[static_cast<size_t>(nodes.expand)].op).activation.kind = ActivationKind::kRelu;
  EXPECT_EQ(node_names(fuse_squeeze_excite(graph)), node_names(graph));
}

/// The inverted residual of MobileNetV3 and a classifier.
Graph mobilenet_block() {
  GraphBuilder b(4);
  const auto conv_norm = [&](NodeId src, const std::string& name, const ConvOptions& options) {
    return b.batch_norm(b.conv(src, name + ".conv", options), name + ".norm", 1e-3);
  };
  const auto conv_norm_act = [&](NodeId src, const std::string& name, const ConvOptions& options) {
    return b.activation(conv_norm(src, name, options), name + ".act", ActivationKind::kHardSwish);
  };
  const NodeId expand = conv_norm_act(0, "expand", {.out_channels = 8});
  const NodeId depthwise = conv_norm_act(expand, "depthwise", {.out_channels = 8, .kernel = 3, .groups = 8});
  const NodeId reduce = b.conv(b.global_avg_pool(depthwise, "pool"), "reduce", {.out_channels = 2, .bias = true});
  const NodeId gate = b.conv(relu(b, reduce, "inner"), "gate", {.out_channels = 8, .bias = true});
  const NodeId scale = b.mul(depthwise, b.activation(gate, "gate_act", ActivationKind::kHardSigmoid), "scale");
  const NodeId project = conv_norm(scale, "project", {.out_channels = 4});
  const NodeId sum = b.add(0, project, "add");
  b.output("feature.0", sum);
  const NodeId last = relu(b, b.add(sum, conv_norm(sum, "last", {.out_channels = 4}), "last_add"), "last_act");
  b.output("logits", b.linear(b.flatten(b.global_avg_pool(last, "avg"), "flat"), "fc", 3, true));
  return b.take();
}

TEST(Optimise, FindsEveryPatternOfAMobilenetBlock) {
  const BoundGraph network = with_random_values(mobilenet_block(), 3);
  const BoundGraph optimised = optimise(network);

  EXPECT_THAT(node_names(optimised.graph), ElementsAre("input", "expand.conv", "depthwise.conv", "scale",
                                                       "project.conv", "last.conv", "avg", "flat", "fc"));
  EXPECT_EQ(find_node(optimised.graph, "project.conv").inputs.size(), 2U);
  const Node& last = find_node(optimised.graph, "last.conv");
  EXPECT_EQ(last.inputs.size(), 2U);
  EXPECT_EQ(std::get<Conv2d>(last.op).activation.kind, ActivationKind::kRelu);
  EXPECT_EQ(optimised.graph[optimised.graph.outputs[0].node].name, "project.conv");
  expect_same_outputs(network, optimised, random_tensor({2, 4, 6, 5}, 4), 1e-6);
}

TEST(Optimise, ChangesNothingTheSecondTime) {
  const BoundGraph once = optimise(with_random_values(mobilenet_block(), 3));
  const BoundGraph twice = optimise(once);
  EXPECT_EQ(node_names(twice.graph), node_names(once.graph));
  EXPECT_EQ(twice.graph.parameters.size(), once.graph.parameters.size());
  expect_same_outputs(once, twice, random_tensor({1, 4, 6, 5}, 4), 0);
}

/// The universal inverted residual of MobileNetV4 with anti-aliasing and layer scale.
Graph universal_block() {
  GraphBuilder b(4);
  const auto conv_norm = [&](NodeId src, const std::string& name, const ConvOptions& options) {
    return b.batch_norm(b.conv(src, name + ".conv", options), name + ".norm", 1e-3);
  };
  const NodeId start = conv_norm(0, "start", {.out_channels = 4, .kernel = 3, .groups = 4});
  const NodeId expand = relu(b, conv_norm(start, "expand", {.out_channels = 8}), "expand.act");
  const NodeId middle =
      relu(b, conv_norm(expand, "middle", {.out_channels = 8, .kernel = 3, .groups = 8}), "middle.act");
  const NodeId project = conv_norm(b.blur_pool(middle, "blur", 1), "project", {.out_channels = 4});
  b.output("out", b.add(b.scale_channels(project, "layer_scale"), 0, "add"));
  return b.take();
}

TEST(Optimise, FusesLayerScaleAndResidualIntoTheProjection) {
  const BoundGraph network = with_random_values(universal_block(), 5);
  const BoundGraph optimised = optimise(network);

  EXPECT_THAT(node_names(optimised.graph),
              ElementsAre("input", "start.conv", "expand.conv", "middle.conv", "blur", "project.conv"));
  EXPECT_EQ(find_node(optimised.graph, "project.conv").inputs.size(), 2U);
  expect_same_outputs(network, optimised, random_tensor({2, 4, 6, 5}, 6), 1e-6);
}

}  // namespace
}  // namespace zoo::graph
