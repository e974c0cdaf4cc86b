#include "backbones/blocks.h"

#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/graph/graph.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using graph::NodeId;
using ::testing::ElementsAre;

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  return names;
}

struct DivisibleCase {
  int64_t value;
  int64_t divisor;
  int64_t expected;
};

class MakeDivisible : public ::testing::TestWithParam<DivisibleCase> {};

TEST_P(MakeDivisible, RoundsAsTorchvisionDoes) {
  EXPECT_EQ(make_divisible(GetParam().value, GetParam().divisor), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Values, MakeDivisible,
                         ::testing::Values(DivisibleCase{4, 8, 8}, DivisibleCase{0, 8, 8}, DivisibleCase{16, 8, 16},
                                           DivisibleCase{18, 8, 24},  // 16 would be less than 90 %
                                           DivisibleCase{20, 8, 24}, DivisibleCase{30, 8, 32}, DivisibleCase{36, 8, 40},
                                           DivisibleCase{60, 8, 64}, DivisibleCase{120, 8, 120},
                                           DivisibleCase{19, 1, 19}, DivisibleCase{0, 1, 1}, DivisibleCase{7, 3, 9}));

TEST(ConvNormAct, AddsNoNodeForTheIdentity) {
  GraphBuilder builder(3);
  const NodeId value = conv_norm_act(builder, builder.input(), "stem", {.conv = {.out_channels = 8}});
  builder.output("logits", value);
  EXPECT_THAT(node_names(builder.take()), ElementsAre("input", "stem.conv", "stem.norm"));
}

TEST(ConvNormAct, UsesInstanceNormWhereAsked) {
  GraphBuilder builder(3);
  const NodeId value = conv_norm_act(builder, builder.input(), "stem",
                                     {.conv = {.out_channels = 8},
                                      .norm = {.kind = NormKind::kInstanceNorm, .eps = 0.5},
                                      .activation = ActivationKind::kRelu});
  builder.output("logits", value);
  const Graph graph = builder.take();
  ASSERT_EQ(graph.nodes.size(), 4U);
  ASSERT_TRUE(std::holds_alternative<graph::InstanceNorm>(graph[2].op));
  EXPECT_EQ(std::get<graph::InstanceNorm>(graph[2].op).eps, 0.5);
  EXPECT_EQ(graph.parameters.size(), 1U);
}

Graph block_graph(int64_t in_channels, const InvertedResidualOptions& options) {
  GraphBuilder builder(in_channels);
  builder.output("logits", inverted_residual(builder, builder.input(), options));
  return builder.take();
}

TEST(InvertedResidual, HasAllPartsInOrder) {
  const Graph graph = block_graph(16, {.expanded_channels = 64,
                                       .out_channels = 16,
                                       .activation = ActivationKind::kHardSwish,
                                       .squeeze_excite = SqueezeExciteOptions{.squeezed = 8},
                                       .skip = true});
  EXPECT_THAT(node_names(graph),
              ElementsAre("input", "expand.conv", "expand.norm", "expand.act", "depthwise.conv", "depthwise.norm",
                          "depthwise.act", "se.pool", "se.reduce", "se.act", "se.expand", "se.gate", "se.scale",
                          "project.conv", "project.norm", "add"));
  EXPECT_EQ(std::get<graph::Activation>(graph[9].op).function.kind, ActivationKind::kRelu);
  EXPECT_EQ(std::get<graph::Activation>(graph[11].op).function.kind, ActivationKind::kHardSigmoid);
}

TEST(InvertedResidual, NumbersThePartsItHas) {
  const Graph graph = block_graph(
      16, {.expanded_channels = 64, .out_channels = 24, .squeeze_excite = SqueezeExciteOptions{.squeezed = 8}});
  std::vector<std::pair<std::string, int>> parts;
  for (const Parameter& parameter : graph.parameters) {
    EXPECT_EQ(parameter.role.block, "inverted_residual") << parameter.name;
    const std::pair part(parameter.role.part, parameter.role.count("position").value());
    if (parts.empty() || parts.back() != part) parts.push_back(part);
  }
  EXPECT_THAT(parts, ElementsAre(std::pair("expand", 0), std::pair("depthwise", 1), std::pair("se_reduce", 2),
                                 std::pair("se_expand", 2), std::pair("project", 3)));
}

TEST(InvertedResidual, LeavesTheExpandConvolutionOutWhereItChangesNothing) {
  const Graph graph = block_graph(16, {.expanded_channels = 16, .out_channels = 16, .stride = 2});
  EXPECT_EQ(graph[1].name, "depthwise.conv");
  for (const Parameter& parameter : graph.parameters) {
    EXPECT_EQ(parameter.role.block, "depthwise_separable") << parameter.name;
    EXPECT_EQ(parameter.role.count("position"), parameter.role.part == "depthwise" ? 0 : 1) << parameter.name;
  }
}

TEST(InvertedResidual, PadsSameOnlyWhereThereIsAStride) {
  for (const int64_t stride : {1, 2}) {
    const Graph graph =
        block_graph(16, {.expanded_channels = 16, .out_channels = 16, .stride = stride, .same_padding = true});
    const auto& conv = std::get<graph::Conv2d>(graph[1].op);
    EXPECT_EQ(conv.padding, stride == 2 ? graph::PaddingMode::kSame : graph::PaddingMode::kExplicit);
  }
}

}  // namespace
}  // namespace zoo::backbones
