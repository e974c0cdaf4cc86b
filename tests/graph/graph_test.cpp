#include "nn/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"
#include "tests/graph/evaluator.h"

namespace zoo::graph {
namespace {

using ::testing::ElementsAre;
using testing::node_names;

/// input - trunk - {left - logits, right}.
Graph forked_graph() {
  GraphBuilder builder(3);
  const NodeId trunk = builder.conv(builder.input(), "trunk", {.out_channels = 4, .kernel = 3});
  const NodeId left = builder.conv(trunk, "left", {.out_channels = 8});
  const NodeId right = builder.conv(trunk, "right", {.out_channels = 16, .bias = true});
  const NodeId flat = builder.flatten(builder.global_avg_pool(left, "pool"), "flat");
  builder.output("logits", builder.linear(flat, "fc", 10, true));
  builder.output("feature.0", right);
  return builder.take();
}

TEST(Graph, KnowsTheChannelsOfItsImages) {
  EXPECT_EQ(forked_graph().in_channels(), 3);
  EXPECT_THROW(Graph().in_channels(), GraphError);
}

TEST(SelectOutputs, KeepsOnlyWhatTheOutputsNeed) {
  const Graph graph = forked_graph();
  const Graph selected = select_outputs(graph, {"feature.0"});

  EXPECT_THAT(node_names(selected), ElementsAre("input", "trunk", "right"));
  EXPECT_THAT(selected.nodes[2].inputs, ElementsAre(1));
  ASSERT_EQ(selected.outputs.size(), 1U);
  EXPECT_EQ(selected.outputs[0].node, 2);
  ASSERT_EQ(selected.parameters.size(), graph.parameters.size());
  EXPECT_EQ(selected.parameter(std::get<Conv2d>(selected[2].op).weight).name, "right.weight");
}

TEST(SelectOutputs, HandsThemOutInTheGivenOrder) {
  const Graph selected = select_outputs(forked_graph(), {"feature.0", "logits"});
  ASSERT_EQ(selected.outputs.size(), 2U);
  EXPECT_EQ(selected[selected.outputs[0].node].name, "right");
  EXPECT_EQ(selected[selected.outputs[1].node].name, "fc");
  EXPECT_EQ(selected.nodes.size(), forked_graph().nodes.size());
}

TEST(SelectOutputs, KeepsTheInputWithoutAnyOutput) {
  EXPECT_THAT(node_names(select_outputs(forked_graph(), {})), ElementsAre("input"));
}

TEST(SelectOutputs, NamesTheOutputsThereAre) {
  try {
    select_outputs(forked_graph(), {"neck.0"});
    FAIL() << "no GraphError";
  } catch (const GraphError& error) {
    EXPECT_STREQ(error.what(), R"(output "neck.0" does not exist; the graph has "logits", "feature.0")");
  }
}

TEST(ParameterCount, CountsWhatTrainingMoves) {
  GraphBuilder builder(3);
  const NodeId conv = builder.conv(builder.input(), "conv", {.out_channels = 8, .kernel = 3, .bias = true});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-5);
  builder.activation(norm, "act", ActivationKind::kPrelu);
  EXPECT_EQ(parameter_count(builder.take()), 8 * 3 * 9 + 8 + 16 + 1);
}

TEST(ParameterCount, CountsLayerScale) {
  GraphBuilder builder(7);
  builder.scale_channels(builder.input(), "scale");
  EXPECT_EQ(parameter_count(builder.take()), 7);
}

TEST(ParameterCount, LeavesOutWhatNoNodeReads) {
  EXPECT_EQ(parameter_count(select_outputs(forked_graph(), {"feature.0"})), 4 * 3 * 9 + 16 * 4 + 16);
}

TEST(ParameterCount, CountsSharedParametersOnce) {
  Graph graph = forked_graph();
  Node again = graph.nodes[1];
  again.name = "again";
  const int64_t before = parameter_count(graph);
  graph.nodes.push_back(again);
  EXPECT_EQ(parameter_count(graph), before);
}

TEST(MultiplyAccumulates, CountConvolutionsAndLinearLayers) {
  GraphBuilder builder(4);
  const NodeId conv =
      builder.conv(builder.input(), "conv", {.out_channels = 6, .kernel = 3, .stride = 2, .groups = 2, .bias = true});
  const NodeId norm = builder.batch_norm(conv, "norm", 1e-5);
  const NodeId flat = builder.flatten(builder.global_avg_pool(norm, "pool"), "flat");
  builder.linear(flat, "fc", 5, true);
  const Graph graph = builder.take();
  const auto macs = multiply_accumulates(graph, infer_shapes(graph, {2, 4, 8, 10}));
  EXPECT_THAT(macs, ElementsAre(0, 2 * 6 * 4 * 5 * 2 * 9, 0, 0, 0, 2 * 6 * 5));
}

TEST(MultiplyAccumulates, ListAttentionApart) {
  GraphBuilder builder(3);
  const NodeId query = builder.conv(builder.input(), "query", {.out_channels = 32});
  const NodeId key = builder.conv(builder.input(), "key", {.out_channels = 8, .kernel = 3, .stride = 2});
  const NodeId value = builder.conv(builder.input(), "value", {.out_channels = 5, .kernel = 3, .stride = 2});
  builder.multi_query_attention(query, key, value, "mqa", 4);
  const Graph graph = builder.take();
  const auto shapes = infer_shapes(graph, {2, 3, 6, 7});
  EXPECT_EQ(multiply_accumulates(graph, shapes).back(), 0);
  EXPECT_THAT(attention_multiply_accumulates(graph, shapes),
              ElementsAre(0, 0, 0, 0, 2 * 4 * (6 * 7) * (3 * 4) * (8 + 5)));
}

TEST(SelectOutputs, KeepTheValueThatOnlyGivesASize) {
  GraphBuilder builder(3);
  const NodeId like = builder.conv(builder.input(), "like", {.out_channels = 4, .stride = 2});
  builder.output("up", builder.resize_like(builder.input(), like, "up", ResizeMode::kNearest));
  EXPECT_THAT(node_names(select_outputs(builder.take(), {"up"})), ElementsAre("input", "like", "up"));
}

TEST(MultiplyAccumulates, CountBothLayersOfSqueezeExcite) {
  SqueezeExcite se;
  se.channels = 16;
  se.squeezed = 4;
  Graph graph;
  graph.nodes = {{"input", Input{16}, {}}, {"se", se, {0}}};
  const auto macs = multiply_accumulates(graph, infer_shapes(graph, {3, 16, 7, 7}));
  EXPECT_THAT(macs, ElementsAre(0, 3 * 2 * 16 * 4));
}

}  // namespace
}  // namespace zoo::graph
