#include "nn/graph/describe.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph_builder.h"
#include "nn/graph/passes.h"

namespace zoo::graph {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// stem, one residual block, classifier.
Graph small_network() {
  GraphBuilder builder(3);
  NodeId value = 0;
  {
    const GraphBuilder::Scope backbone(builder, "backbone");
    value = builder.conv(value, "stem.conv", {.out_channels = 8, .kernel = 3, .stride = 2});
    value = builder.batch_norm(value, "stem.norm", 1e-3);
    value = builder.activation(value, "stem.act", ActivationKind::kHardSwish);
    const GraphBuilder::Scope block(builder, "stage0.block0");
    const NodeId depthwise = builder.conv(value, "depthwise.conv", {.out_channels = 8, .kernel = 3, .groups = 8});
    const NodeId act = builder.activation(depthwise, "depthwise.act", ActivationKind::kRelu);
    value = builder.add(act, value, "add");
  }
  const GraphBuilder::Scope head(builder, "head");
  value = builder.flatten(builder.global_avg_pool(value, "pool"), "flatten");
  builder.output("logits", builder.linear(value, "fc", 10, true));
  return builder.take();
}

TEST(LayerRows, ListEveryNode) {
  const auto rows = layer_rows(small_network(), {1, 3, 16, 16});
  struct Expected {
    std::string name, op, attributes;
    Shape output;
    int64_t parameters, macs;
  };
  const std::vector<Expected> expected = {
      {"input", "Input", "", {1, 3, 16, 16}, 0, 0},
      {"backbone.stem.conv", "Conv2d", "3x3 s2 p1 3->8", {1, 8, 8, 8}, 216, 13824},
      {"backbone.stem.norm", "BatchNorm", "eps 0.001", {1, 8, 8, 8}, 16, 0},
      {"backbone.stem.act", "Activation", "hard_swish", {1, 8, 8, 8}, 0, 0},
      {"backbone.stage0.block0.depthwise.conv", "Conv2d", "3x3 p1 8->8 g8", {1, 8, 8, 8}, 72, 4608},
      {"backbone.stage0.block0.depthwise.act", "Activation", "relu", {1, 8, 8, 8}, 0, 0},
      {"backbone.stage0.block0.add", "Add", "", {1, 8, 8, 8}, 0, 0},
      {"head.pool", "GlobalAvgPool", "", {1, 8, 1, 1}, 0, 0},
      {"head.flatten", "Flatten", "", {1, 8}, 0, 0},
      {"head.fc", "Linear", "8->10", {1, 10}, 90, 80},
  };
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(expected[i].name);
    EXPECT_EQ(rows[i].name, expected[i].name);
    EXPECT_EQ(rows[i].op, expected[i].op);
    EXPECT_EQ(rows[i].attributes, expected[i].attributes);
    EXPECT_EQ(rows[i].output, expected[i].output);
    EXPECT_EQ(rows[i].parameters, expected[i].parameters);
    EXPECT_EQ(rows[i].macs, expected[i].macs);
  }
}

struct AttributeCase {
  Op op;
  std::string text;
  std::vector<NodeId> inputs = {0};
};

Conv2d conv(Size2d kernel) {
  Conv2d op;
  op.in_channels = op.out_channels = 4;
  op.kernel = kernel;
  return op;
}

class LayerRowAttributes : public ::testing::TestWithParam<AttributeCase> {};

TEST_P(LayerRowAttributes, AreCompact) {
  Graph graph;
  graph.parameters.push_back({"slope", {1}, {}});
  graph.nodes = {{"input", Input{4}, {}}, {"node", GetParam().op, GetParam().inputs}};
  EXPECT_EQ(layer_rows(graph, {1, 4, 9, 9})[1].attributes, GetParam().text);
}

template <typename Kind, typename Change>
Kind with(Kind op, const Change& change) {
  change(op);
  return op;
}

INSTANTIATE_TEST_SUITE_P(
    Operations, LayerRowAttributes,
    ::testing::Values(AttributeCase{conv({1, 1}), "1x1 4->4"}, AttributeCase{conv({3, 1}), "3x1 4->4"},
                      AttributeCase{with(conv({3, 3}),
                                         [](Conv2d& c) {
                                           c.stride = {2, 1};
                                           c.pad = {2, 0};
                                           c.dilation = {2, 2};
                                           c.groups = 2;
                                         }),
                                    "3x3 s2x1 p2x0 d2 4->4 g2"},
                      AttributeCase{with(conv({3, 3}), [](Conv2d& c) { c.padding = PaddingMode::kSame; }),
                                    "3x3 same 4->4"},
                      AttributeCase{with(conv({1, 1}),
                                         [](Conv2d& c) {
                                           c.activation = {ActivationKind::kPrelu, 0};
                                         }),
                                    "1x1 4->4 +residual +prelu",
                                    {0, 0}},
                      AttributeCase{InstanceNorm{4, 1e-5}, "eps 1e-05"}, AttributeCase{ScaleChannels{4, 0}, ""},
                      AttributeCase{AvgPool2d{{2, 2}, {2, 2}, {0, 0}}, "2x2 s2"},
                      AttributeCase{AvgPool2d{{3, 1}, {1, 1}, {1, 0}, false}, "3x1 p1x0 zeros left out"},
                      AttributeCase{MaxPool2d{{1, 1}, {2, 2}, {0, 0}}, "1x1 s2"},
                      AttributeCase{MaxPool2d{{3, 1}, {1, 1}, {1, 0}}, "3x1 p1x0"},
                      AttributeCase{Concat{}, "", {0, 0, 0}}, AttributeCase{BlurPool2d{4, {2, 2}}, "3x3 s2 p1"},
                      AttributeCase{Resize{ResizeMode::kNearest}, "nearest", {0, 0}},
                      AttributeCase{Resize{ResizeMode::kBilinear}, "bilinear", {0, 0}},
                      AttributeCase{MultiQueryAttention{1, 4, 4}, "4->4 h1", {0, 0, 0}},
                      AttributeCase{GlobalAvgPool{}, ""},
                      AttributeCase{with(SqueezeExcite{},
                                         [](SqueezeExcite& se) {
                                           se.channels = 4;
                                           se.squeezed = 2;
                                           se.inner.kind = ActivationKind::kRelu;
                                           se.gate.kind = ActivationKind::kHardSigmoid;
                                         }),
                                    "4->2->4 +relu +hard_sigmoid"}));

TEST(LayerRows, CountSharedParametersAtTheFirstNode) {
  Graph graph = small_network();
  Node again = graph.nodes[1];
  again.name = "again";
  graph.nodes.push_back(again);
  const auto rows = layer_rows(graph, {1, 3, 16, 16});
  EXPECT_EQ(rows[1].parameters, 216);
  EXPECT_EQ(rows.back().parameters, 0);
}

using Names = std::vector<std::string>;

Names names_at(const Graph& graph, int depth) {
  Names names;
  for (const BlockRow& row : block_rows(graph, {1, 3, 16, 16}, depth)) names.push_back(row.name);
  return names;
}

TEST(BlockRows, GoAsDeepAsAsked) {
  const Graph graph = small_network();
  EXPECT_EQ(names_at(graph, kSections), (Names{"input", "backbone", "head"}));
  EXPECT_EQ(names_at(graph, kStages),
            (Names{"input", "backbone.stem", "backbone.stage0", "head.pool", "head.flatten", "head.fc"}));
  EXPECT_EQ(names_at(graph, kBlocks),
            (Names{"input", "backbone.stem", "backbone.stage0.block0", "head.pool", "head.flatten", "head.fc"}));
  EXPECT_EQ(names_at(graph, 4), (Names{"input", "backbone.stem", "backbone.stage0.block0.depthwise",
                                       "backbone.stage0.block0.add", "head.pool", "head.flatten", "head.fc"}));
  EXPECT_EQ(names_at(graph, kEverything).size(), graph.nodes.size());
}

TEST(BlockRows, SumUpTheirLayers) {
  const Graph graph = small_network();
  const auto layers = layer_rows(graph, {1, 3, 16, 16});
  for (const int depth : {kSections, kStages, kBlocks, 4, 5, kEverything}) {
    int64_t operations = 0;
    int64_t parameters = 0;
    int64_t macs = 0;
    for (const BlockRow& row : block_rows(graph, {1, 3, 16, 16}, depth)) {
      operations += row.operations;
      parameters += row.parameters;
      macs += row.macs;
    }
    EXPECT_EQ(operations, std::ssize(layers)) << depth;
    EXPECT_EQ(parameters, 216 + 16 + 72 + 90) << depth;
    EXPECT_EQ(macs, 13824 + 4608 + 80) << depth;
  }
  const auto blocks = block_rows(graph, {1, 3, 16, 16}, kBlocks);
  EXPECT_EQ(blocks[1].contents, "Conv2d 3x3 s2 p1 3->8");
  EXPECT_EQ(blocks[1].operations, 3);
  EXPECT_EQ(blocks[2].contents, "Conv2d, Add");
  EXPECT_EQ(blocks[2].output, (Shape{1, 8, 8, 8}));
  EXPECT_EQ(blocks[3].contents, "GlobalAvgPool");
  EXPECT_EQ(block_rows(graph, {1, 3, 16, 16}, kSections)[1].contents, "2 Conv2d, Add");
}

TEST(ToMermaid, DrawsBlocksAsOneBoxFromLeftToRight) {
  EXPECT_EQ(to_mermaid(small_network(), {1, 3, 16, 16}, {.depth = kStages, .left_to_right = true}), R"(flowchart LR
  n0["input<br/>1x3x16x16"]:::terminal
  subgraph g0["backbone"]
    n1["stem<br/>Conv2d 3x3 s2 p1 3-#62;8<br/>1x8x8x8"]:::layer
    n2["stage0<br/>Conv2d, Add<br/>1x8x8x8"]:::layer
  end
  subgraph g1["head"]
    n3["pool<br/>GlobalAvgPool<br/>1x8x1x1"]:::gate
    n4["flatten<br/>1x8"]:::other
    n5["fc<br/>Linear 8-#62;10<br/>1x10"]:::layer
  end
  o0(["logits"]):::terminal
  n0 --> n1
  n1 --> n2
  n2 --> n3
  n3 --> n4
  n4 --> n5
  n5 --> o0
  classDef terminal fill:#e8e8e8,stroke:#555
  classDef layer fill:#d6e6f7,stroke:#555
  classDef gate fill:#fdeccf,stroke:#555
  classDef other fill:#ffffff,stroke:#555
)");
}

TEST(ToDot, GoesFromLeftToRight) {
  EXPECT_THAT(to_dot(small_network(), {1, 3, 16, 16}, {.depth = kSections, .left_to_right = true}),
              AllOf(HasSubstr("\n  rankdir=LR;\n"), HasSubstr("label=\"backbone\\n2 Conv2d, Add\\n1x8x8x8\"")));
}

TEST(ToMermaid, DrawsASmallNetwork) {
  EXPECT_EQ(to_mermaid(small_network(), {1, 3, 16, 16}), R"(flowchart TD
  n0["input<br/>1x3x16x16"]:::terminal
  subgraph g0["backbone"]
    n1["stem<br/>Conv2d 3x3 s2 p1 3-#62;8<br/>BatchNorm<br/>hard_swish<br/>1x8x8x8"]:::layer
    subgraph g1["stage0.block0"]
      n2["depthwise<br/>Conv2d 3x3 p1 8-#62;8 g8<br/>relu<br/>1x8x8x8"]:::layer
      n3["add<br/>1x8x8x8"]:::other
    end
  end
  subgraph g2["head"]
    n4["pool<br/>GlobalAvgPool<br/>1x8x1x1"]:::gate
    n5["flatten<br/>1x8"]:::other
    n6["fc<br/>Linear 8-#62;10<br/>1x10"]:::layer
  end
  o0(["logits"]):::terminal
  n0 --> n1
  n1 --> n2
  n2 --> n3
  n1 --> n3
  n3 --> n4
  n4 --> n5
  n5 --> n6
  n6 --> o0
  classDef terminal fill:#e8e8e8,stroke:#555
  classDef layer fill:#d6e6f7,stroke:#555
  classDef gate fill:#fdeccf,stroke:#555
  classDef other fill:#ffffff,stroke:#555
)");
}

TEST(ToDot, DrawsASmallNetwork) {
  EXPECT_EQ(to_dot(small_network(), {1, 3, 16, 16}), R"(digraph network {
  graph [fontname="Helvetica", nodesep=0.3, ranksep=0.3, labeljust=l, color="#888888"];
  node [fontname="Helvetica", fontsize=11, shape=box, style="rounded,filled", height=0.3];
  n0 [label="input\n1x3x16x16", fillcolor="#e8e8e8"];
  subgraph cluster_0 {
    label="backbone";
    n1 [label="stem\nConv2d 3x3 s2 p1 3->8\nBatchNorm\nhard_swish\n1x8x8x8", fillcolor="#d6e6f7"];
    subgraph cluster_1 {
      label="stage0.block0";
      n2 [label="depthwise\nConv2d 3x3 p1 8->8 g8\nrelu\n1x8x8x8", fillcolor="#d6e6f7"];
      n3 [label="add\n1x8x8x8", fillcolor="#ffffff"];
    }
  }
  subgraph cluster_2 {
    label="head";
    n4 [label="pool\nGlobalAvgPool\n1x8x1x1", fillcolor="#fdeccf"];
    n5 [label="flatten\n1x8", fillcolor="#ffffff"];
    n6 [label="fc\nLinear 8->10\n1x10", fillcolor="#d6e6f7"];
  }
  o0 [label="logits", shape=ellipse, fillcolor="#e8e8e8"];
  n0 -> n1;
  n1 -> n2;
  n2 -> n3;
  n1 -> n3;
  n3 -> n4;
  n4 -> n5;
  n5 -> n6;
  n6 -> o0;
}
)");
}

TEST(Pictures, KeepBoxesApartWhereAnotherNodeReadsBetween) {
  GraphBuilder builder(3);
  const NodeId norm = builder.batch_norm(builder.input(), "norm", 1e-5);
  const NodeId tapped = builder.conv(norm, "body.conv", {.out_channels = 3});
  builder.output("feature.0", tapped);
  builder.output("out", builder.activation(tapped, "body.act", ActivationKind::kRelu));
  const std::string picture = to_mermaid(builder.take(), {1, 3, 2, 2});
  EXPECT_THAT(picture, HasSubstr(R"(n0["input<br/>1x3x2x2"])"));
  EXPECT_THAT(picture, HasSubstr(R"(n1["norm<br/>BatchNorm<br/>1x3x2x2"])"));
  EXPECT_THAT(picture, HasSubstr(R"(n2["conv<br/>Conv2d 1x1 3-#62;3<br/>1x3x2x2"])"));
  EXPECT_THAT(picture, HasSubstr(R"(n3["act<br/>relu<br/>1x3x2x2"])"));
}

TEST(Pictures, DrawAttentionWithItsPools) {
  GraphBuilder builder(4);
  const NodeId small = builder.blur_pool(builder.avg_pool(0, "small", {.kernel = 2, .stride = 2}), "blur", 2);
  const NodeId mixed = builder.multi_query_attention(0, small, small, "mix", 1);
  const NodeId conv =
      builder.conv(builder.resize_like(mixed, 0, "up", ResizeMode::kNearest), "out.conv", {.out_channels = 4});
  builder.output("out", builder.scale_channels(conv, "out.scale"));
  const std::string picture = to_mermaid(builder.take(), {1, 4, 8, 8});
  EXPECT_THAT(picture, HasSubstr(R"(n1["small<br/>AvgPool2d 2x2 s2<br/>1x4x4x4"]:::other)"));
  EXPECT_THAT(picture, HasSubstr(R"(n2["blur<br/>BlurPool2d 3x3 s2 p1<br/>1x4x2x2"]:::other)"));
  EXPECT_THAT(picture, HasSubstr(R"(n3["mix<br/>MultiQueryAttention 4-#62;4 h1<br/>1x4x8x8"]:::layer)"));
  EXPECT_THAT(picture, HasSubstr(R"(n4["up<br/>Resize nearest<br/>1x4x8x8"]:::other)"));
  EXPECT_THAT(picture, HasSubstr(R"(n5["out<br/>Conv2d 1x1 4-#62;4<br/>ScaleChannels<br/>1x4x8x8"]:::layer)"));
  EXPECT_THAT(picture, HasSubstr("n0 --> n3"));
  EXPECT_THAT(picture, HasSubstr("n2 --> n3"));
}

TEST(Pictures, GroupByThreeComponentsAtMost) {
  GraphBuilder builder(3);
  const NodeId first = builder.flatten(builder.input(), "a.b.c.d.first");
  builder.flatten(builder.input(), "a.b.c.d.second");
  builder.output("out", first);
  const std::string picture = to_mermaid(builder.take(), {1, 3, 2, 2});
  EXPECT_THAT(picture, HasSubstr(R"(subgraph g0["a.b.c"])"));
  EXPECT_THAT(picture, HasSubstr(R"(n1["d.first<br/>)"));
}

TEST(Pictures, EscapeNames) {
  GraphBuilder builder(3);
  builder.output("a\"b\\c\n<d>", builder.flatten(0, "x\"]; y#z"));
  const Graph graph = builder.take();
  EXPECT_THAT(to_mermaid(graph, {1, 3, 2, 2}), HasSubstr(R"(n1["x#34;]#59; y#35;z<br/>Flatten<br/>1x12"])"));
  EXPECT_THAT(to_mermaid(graph, {1, 3, 2, 2}), HasSubstr(R"(o0(["a#34;b#92;c#10;#60;d#62;"]))"));
  EXPECT_THAT(to_dot(graph, {1, 3, 2, 2}), HasSubstr(R"(n1 [label="x\"]; y#z\nFlatten\n1x12")"));
  EXPECT_THAT(to_dot(graph, {1, 3, 2, 2}), HasSubstr(R"(o0 [label="a\"b\\c <d>")"));
}

TEST(Pictures, DoNotFitEveryInput) { EXPECT_THROW(to_dot(small_network(), {1, 4, 16, 16}), GraphError); }

}  // namespace
}  // namespace zoo::graph
