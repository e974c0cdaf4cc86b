#include "backbones/mobilenetv2.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backbones/graph_probe.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;

constexpr const char* kStages = R"(
stage_params:
  - {in_channels: [32], kernel_sizes: [3], expanded_channels: [32], out_channels: [16], stride: [1]}
  - {in_channels: [16, 24], kernel_sizes: [3, 3], expanded_channels: [96, 144], out_channels: [24, 24], stride: [2, 1]}
)";

InvertedResidualNetConfig decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: mobilenetv2\n" + text, "x.yaml");
  document.root().at("name").as_string();
  InvertedResidualNetConfig config = decode_mobilenetv2(document.root());
  document.finish();
  return config;
}

Graph build(const InvertedResidualNetConfig& config) {
  GraphBuilder builder(config.in_channels);
  const FeaturePyramid pyramid = build_inverted_residual_net(builder, config);
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  return builder.take();
}

TEST(MobileNetV2, HasThePapersDefaults) {
  const InvertedResidualNetConfig config = decode(kStages);
  EXPECT_EQ(config.stem_channels, 32);
  EXPECT_EQ(config.stem_activation, ActivationKind::kRelu6);
  EXPECT_EQ(config.last_conv_channels, 1280);
  EXPECT_EQ(config.last_conv_activation, ActivationKind::kRelu6);
  EXPECT_EQ(config.norm.eps, 1e-5);
  EXPECT_EQ(config.stages[1][0].activation, ActivationKind::kRelu6);
  EXPECT_EQ(config.stages[1][0].project_activation, ActivationKind::kIdentity);
  EXPECT_FALSE(config.stages[1][0].use_se);
}

TEST(MobileNetV2, ReadsEveryParameter) {
  const InvertedResidualNetConfig config = decode(std::string(R"(
params: {in_channels: 1, stem_channels: 32, act_type: silu, last_conv_channels: 0, norm_type: instance_norm,
         norm_eps: 1.0e-3, padding: same, feature_levels: strides})") +
                                                  kStages);
  EXPECT_EQ(config.in_channels, 1);
  EXPECT_EQ(config.stem_activation, ActivationKind::kSilu);
  EXPECT_EQ(config.stages[1][1].activation, ActivationKind::kSilu);
  EXPECT_EQ(config.last_conv_channels, 0);
  EXPECT_EQ(config.norm.kind, NormKind::kInstanceNorm);
  EXPECT_EQ(config.norm.eps, 1e-3);
  EXPECT_TRUE(config.same_padding);
  EXPECT_THAT(levels(inverted_residual_net_features(config)), ElementsAre(std::tuple(16, 2), std::tuple(24, 4)));
}

TEST(MobileNetV2, HasALinearBottleneckAndASkipWhereTheShapesAllowIt) {
  const Graph graph = build(decode(kStages));
  EXPECT_FALSE(has_node(graph, "stage0.block0.expand.conv"));
  EXPECT_FALSE(has_node(graph, "stage1.block0.project.act"));
  EXPECT_FALSE(has_node(graph, "stage1.block0.add"));
  EXPECT_TRUE(has_node(graph, "stage1.block1.add"));
  EXPECT_THAT(output_nodes(graph), ElementsAre("stage0.block0.project.norm", "last_conv.act"));
  EXPECT_EQ(parameter_of(graph, "last_conv.conv.weight").role.part, "last_conv");
}

TEST(MobileNetV2, ReadsTheOptionalListsOfAStage) {
  const InvertedResidualNetConfig config = decode(R"(
stage_params:
  - {in_channels: [16, 16], kernel_sizes: [3, 5], expanded_channels: [16, 64], out_channels: [16, 16],
     stride: [1, 1], act_type: [relu, hard_swish], dilation: [1, 2], use_skip: [False, True]}
)");
  EXPECT_EQ(config.stages[0][0].activation, ActivationKind::kRelu);
  EXPECT_EQ(config.stages[0][1].activation, ActivationKind::kHardSwish);
  EXPECT_EQ(config.stages[0][1].dilation, 2);
  EXPECT_FALSE(config.stages[0][0].use_skip);
}

}  // namespace
}  // namespace zoo::backbones
