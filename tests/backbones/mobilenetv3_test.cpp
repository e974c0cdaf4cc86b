#include "backbones/mobilenetv3.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <variant>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/graph/graph.h"
#include "tests/backbones/graph_probe.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;

constexpr const char* kStages = R"(
stage_params:
  - {in_channels: [16, 16], kernel_sizes: [3, 5], expanded_channels: [16, 64], out_channels: [16, 24],
     use_se: [False, True], act_type: [relu, hard_swish], stride: [1, 2]}
  - {in_channels: [24, 24], kernel_sizes: [3, 3], expanded_channels: [72, 72], out_channels: [24, 40],
     use_se: [True, False], act_type: [relu, relu], stride: [1, 2]}
)";

InvertedResidualNetConfig decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: mobilenetv3\n" + text, "x.yaml");
  document.root().at("name").as_string();
  InvertedResidualNetConfig config = decode_mobilenetv3(document.root());
  document.finish();
  return config;
}

Graph build(const InvertedResidualNetConfig& config) {
  GraphBuilder builder(config.in_channels);
  const FeaturePyramid pyramid = build_inverted_residual_net(builder, config);
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  return builder.take();
}

TEST(MobileNetV3, HasTheTrainersDefaults) {
  const InvertedResidualNetConfig config = decode(kStages);
  EXPECT_EQ(config.in_channels, 3);
  EXPECT_EQ(config.stem_channels, 16);
  EXPECT_EQ(config.stem_activation, ActivationKind::kHardSwish);
  EXPECT_EQ(config.last_conv_channels, 240);
  EXPECT_EQ(config.last_conv_activation, ActivationKind::kHardSwish);
  EXPECT_EQ(config.se_divisor, 8);
  EXPECT_EQ(config.se_activation, ActivationKind::kRelu);
  EXPECT_EQ(config.norm.kind, NormKind::kBatchNorm);
  EXPECT_EQ(config.norm.eps, 1e-3);
  EXPECT_FALSE(config.same_padding);
  EXPECT_EQ(config.feature_levels.kind, FeatureLevels::kStages);
  EXPECT_EQ(config.stages[0][0].dilation, 1);
  EXPECT_TRUE(config.stages[0][0].use_skip);
  EXPECT_EQ(config.stages[0][0].se_reduction, 4);
}

TEST(MobileNetV3, TreatsNullParamsAsNone) {
  EXPECT_EQ(decode(std::string("params: ~") + kStages).last_conv_channels, 240);
}

TEST(MobileNetV3, ReadsEveryParameter) {
  const InvertedResidualNetConfig config = decode(std::string(R"(
params: {in_channels: 1, stem_channels: 16, stem_act_type: relu, last_conv_channels: 99, last_conv_act_type: GELU,
         se_divisor: 2, se_reduction: 8, se_act_type: silu, norm_type: instance_norm, norm_eps: 1.0e-5, padding: same,
         feature_levels: blocks})") + kStages);
  EXPECT_EQ(config.in_channels, 1);
  EXPECT_EQ(config.stem_activation, ActivationKind::kRelu);
  EXPECT_EQ(config.last_conv_channels, 99);
  EXPECT_EQ(config.last_conv_activation, ActivationKind::kGelu);
  EXPECT_EQ(config.se_divisor, 2);
  EXPECT_EQ(config.stages[0][0].se_reduction, 8);
  EXPECT_EQ(config.se_activation, ActivationKind::kSilu);
  EXPECT_EQ(config.norm.kind, NormKind::kInstanceNorm);
  EXPECT_EQ(config.norm.eps, 1e-5);
  EXPECT_TRUE(config.same_padding);
  EXPECT_EQ(config.feature_levels.kind, FeatureLevels::kBlocks);
}

TEST(MobileNetV3, TakesZeroOrNullAsTheDefaultLastConvolution) {
  EXPECT_EQ(decode(std::string("params: {last_conv_channels: 0}") + kStages).last_conv_channels, 240);
  EXPECT_EQ(decode(std::string("params: {last_conv_channels: ~}") + kStages).last_conv_channels, 240);
}

TEST(MobileNetV3, ReadsTheOptionalColumnsOfAStage) {
  const InvertedResidualNetConfig config = decode(R"(
stage_params:
  - in_channels: [16, 16]
    kernel_sizes: [3, 3]
    expanded_channels: [16, 64]
    out_channels: [16, 16]
    use_se: [True, True]
    activation: [relu, Hard_Swish]
    stride: [1, 1]
    dilation: [1, 2]
    use_skip: [False, True]
    se_reduction: [2, 4]
)");
  const auto& blocks = config.stages.at(0);
  EXPECT_EQ(blocks[1].activation, ActivationKind::kHardSwish);
  EXPECT_EQ(blocks[1].dilation, 2);
  EXPECT_FALSE(blocks[0].use_skip);
  EXPECT_EQ(blocks[0].se_reduction, 2);
  const Graph graph = build(config);
  EXPECT_FALSE(has_node(graph, "stage0.block0.add"));
  EXPECT_TRUE(has_node(graph, "stage0.block1.add"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block1.depthwise.conv").dilation, (graph::Size2d{2, 2}));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block1.depthwise.conv").pad, (graph::Size2d{2, 2}));
}

TEST(MobileNetV3, UsesTheBlocksActivationInsideSqueezeExciteWhereAskedTo) {
  const Graph graph = build(decode(std::string("params: {se_act_type: same}") + kStages));
  EXPECT_EQ(op_of<graph::Activation>(graph, "stage0.block1.se.act").function.kind, ActivationKind::kHardSwish);
  EXPECT_EQ(op_of<graph::Activation>(graph, "stage1.block0.se.act").function.kind, ActivationKind::kRelu);
}

TEST(MobileNetV3, AddsASkipWhereShapesAgree) {
  const Graph graph = build(decode(kStages));
  EXPECT_TRUE(has_node(graph, "stage0.block0.add"));
  EXPECT_FALSE(has_node(graph, "stage0.block1.add"));
  EXPECT_TRUE(has_node(graph, "stage1.block0.add"));
  EXPECT_FALSE(has_node(graph, "stage1.block1.add"));
}

TEST(MobileNetV3, PadsSameOnTheStemToo) {
  const Graph graph = build(decode(std::string("params: {padding: same}") + kStages));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stem.conv").padding, graph::PaddingMode::kSame);
}

TEST(MobileNetV3, YieldsTheOutputOfEveryStage) {
  const InvertedResidualNetConfig config = decode(kStages);
  EXPECT_THAT(levels(inverted_residual_net_features(config)), ElementsAre(std::tuple(24, 4), std::tuple(240, 8)));
  EXPECT_THAT(output_nodes(build(config)), ElementsAre("stage0.block1.project.norm", "last_conv.act"));
}

TEST(MobileNetV3, YieldsTheDeepestValueOfEveryStride) {
  const InvertedResidualNetConfig config = decode(std::string("params: {feature_levels: strides}") + kStages);
  EXPECT_THAT(levels(inverted_residual_net_features(config)),
              ElementsAre(std::tuple(16, 2), std::tuple(24, 4), std::tuple(240, 8)));
  EXPECT_THAT(output_nodes(build(config)), ElementsAre("stage0.block0.add", "stage1.block0.add", "last_conv.act"));
}

TEST(MobileNetV3, YieldsStemEveryBlockAndLastConvolution) {
  const InvertedResidualNetConfig config = decode(std::string("params: {feature_levels: blocks}") + kStages);
  EXPECT_THAT(levels(inverted_residual_net_features(config)),
              ElementsAre(std::tuple(16, 2), std::tuple(16, 2), std::tuple(24, 4), std::tuple(24, 4), std::tuple(40, 8),
                          std::tuple(240, 8)));
  EXPECT_THAT(output_nodes(build(config)),
              ElementsAre("stem.act", "stage0.block0.add", "stage0.block1.project.norm", "stage1.block0.add",
                          "stage1.block1.project.norm", "last_conv.act"));
}

TEST(MobileNetV3, SaysWhereEveryParameterSits) {
  const Graph graph = build(decode(kStages));
  const ParameterRole& stem = parameter_of(graph, "stem.conv.weight").role;
  EXPECT_EQ(std::tuple(stem.block, stem.part), std::tuple("", "stem"));
  EXPECT_THAT(stem.counts, ElementsAre(Count{"entry", 0}));
  const ParameterRole& block = parameter_of(graph, "stage1.block0.project.norm.running_var").role;
  EXPECT_EQ(std::tuple(block.block, block.part, block.field),
            std::tuple("inverted_residual", "project", Field::kRunningVar));
  EXPECT_THAT(block.counts, ElementsAre(Count{"entry", 3}, Count{"stage", 1}, Count{"block", 0}, Count{"position", 3}));
  const ParameterRole& last = parameter_of(graph, "last_conv.norm.weight").role;
  EXPECT_EQ(std::tuple(last.block, last.part), std::tuple("", "last_conv"));
  EXPECT_THAT(last.counts, ElementsAre(Count{"entry", 5}, Count{"stage", 1}, Count{"block", 2}, Count{"layer", 0},
                                       Count{"stages", 2}));
}

TEST(MobileNetV3, PutsSeveralLastConvolutionsInARow) {
  const Graph graph = build(decode(fmt::format("params: {{last_conv_layers: 2}}\n{}", kStages)));
  const Parameter& first = parameter_of(graph, "last_conv.conv.weight");
  const Parameter& second = parameter_of(graph, "last_conv1.conv.weight");
  EXPECT_EQ(second.shape, (Shape{first.shape[0], first.shape[0], 1, 1}));
  EXPECT_EQ(std::tuple(first.role.count("block"), second.role.count("block")), std::tuple(2, 3));
}

constexpr const char* kRows = R"(
bottleneck_cfg:
  - [3, 16, 16, True, False, 2]
  - [3, 72, 24, 0, 0, 2, 2]
  - [5, 96, 24, 1, 1, 1, 2]
)";

TEST(MobileNetV3Rows, HaveLucidsDefaults) {
  const InvertedResidualNetConfig config = decode(kRows);
  EXPECT_EQ(config.stem_channels, 16);
  EXPECT_EQ(config.se_divisor, 1);
  EXPECT_EQ(config.last_conv_channels, 96);
  EXPECT_EQ(config.head_channels, 0);
  ASSERT_EQ(config.stages.size(), 2U);  // a row with a stride begins a stage
  ASSERT_EQ(config.stages[1].size(), 2U);
  const InvertedResidualBlock& last = config.stages[1][1];
  EXPECT_EQ(std::tuple(last.in_channels, last.kernel, last.expanded_channels, last.out_channels, last.stride),
            std::tuple(24, 5, 96, 24, 1));
  EXPECT_EQ(std::tuple(last.use_se, last.activation, last.se_reduction),
            std::tuple(true, ActivationKind::kHardSwish, 2));
  EXPECT_EQ(std::tuple(config.stages[0][0].use_se, config.stages[0][0].activation, config.stages[0][0].se_reduction),
            std::tuple(true, ActivationKind::kRelu, 4));
}

TEST(MobileNetV3Rows, DoNotRoundTheSqueezeWidth) {
  const Graph graph = build(decode(kRows));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.se.reduce").out_channels, 4);
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage1.block1.se.reduce").out_channels, 48);
}

TEST(MobileNetV3Rows, MayStandInParamsAsLucidHasThem) {
  const InvertedResidualNetConfig config = decode(R"(
params:
  bottleneck_cfg: [[3, 16, 16, 1, 0, 2]]
  last_channels: 1024
  stem_channels: 8
  in_channels: 1
)");
  EXPECT_EQ(config.head_channels, 1024);
  EXPECT_EQ(config.stem_channels, 8);
  EXPECT_EQ(config.stages[0][0].in_channels, 8);
  EXPECT_EQ(config.in_channels, 1);
}

}  // namespace
}  // namespace zoo::backbones
