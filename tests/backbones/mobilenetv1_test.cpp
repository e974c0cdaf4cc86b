#include "backbones/mobilenetv1.h"

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
  - {out_channels: [64], stride: [1]}
  - {out_channels: [128, 130], stride: [2, 1]}
)";

InvertedResidualNetConfig decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: mobilenetv1\n" + text, "x.yaml");
  document.root().at("name").as_string();
  InvertedResidualNetConfig config = decode_mobilenetv1(document.root());
  document.finish();
  return config;
}

Graph build(const InvertedResidualNetConfig& config) {
  GraphBuilder builder(config.in_channels);
  const FeaturePyramid pyramid = build_inverted_residual_net(builder, config);
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  return builder.take();
}

TEST(MobileNetV1, HasThePapersStemAndRelu6ByDefault) {
  const InvertedResidualNetConfig config = decode(kStages);
  EXPECT_EQ(config.in_channels, 3);
  EXPECT_EQ(config.stem_channels, 32);
  EXPECT_EQ(config.stem_activation, ActivationKind::kRelu6);
  EXPECT_FALSE(config.stem_bias);
  EXPECT_EQ(config.norm.eps, 1e-5);
  EXPECT_EQ(config.last_conv_channels, 0);
  const InvertedResidualBlock& last = config.stages[1][1];
  EXPECT_EQ(last.in_channels, 128);
  EXPECT_EQ(last.expanded_channels, 128);
  EXPECT_EQ(last.out_channels, 130);
  EXPECT_EQ(last.kernel, 3);
  EXPECT_EQ(last.activation, ActivationKind::kRelu6);
  EXPECT_EQ(last.project_activation, ActivationKind::kRelu6);
}

TEST(MobileNetV1, ReadsEveryParameter) {
  const InvertedResidualNetConfig config = decode(std::string(R"(
params: {in_channels: 4, width_multiplier: 0.5, stem_channels: 24, stem_bias: True, act_type: relu, norm_eps: 1.0e-3,
         norm_type: instance_norm, padding: same, last_conv_channels: 99, feature_levels: blocks})") +
                                                  kStages);
  EXPECT_EQ(config.in_channels, 4);
  EXPECT_EQ(config.stem_channels, 12);
  EXPECT_TRUE(config.stem_bias);
  EXPECT_EQ(config.stem_activation, ActivationKind::kRelu);
  EXPECT_EQ(config.stages[0][0].project_activation, ActivationKind::kRelu);
  EXPECT_EQ(config.norm.eps, 1e-3);
  EXPECT_EQ(config.norm.kind, NormKind::kInstanceNorm);
  EXPECT_TRUE(config.same_padding);
  EXPECT_EQ(config.last_conv_channels, 99);
  EXPECT_EQ(config.feature_levels.kind, FeatureLevels::kBlocks);
}

TEST(MobileNetV1, RoundsMultipliedWidthsDown) {
  const InvertedResidualNetConfig config = decode(std::string("params: {width_multiplier: 0.35}") + kStages);
  EXPECT_EQ(config.stem_channels, 11);              // 11.2
  EXPECT_EQ(config.stages[0][0].out_channels, 22);  // 22.4
  EXPECT_EQ(config.stages[1][0].in_channels, 22);
  EXPECT_EQ(config.stages[1][1].out_channels, 45);  // 45.5
}

TEST(MobileNetV1, ReadsTheOptionalListsOfAStage) {
  const InvertedResidualNetConfig config = decode(R"(
stage_params:
  - {out_channels: [64, 64], stride: [2, 1], kernel_sizes: [5, 7], act_type: [relu, silu], dilation: [1, 2]}
)");
  EXPECT_EQ(config.stages[0][0].kernel, 5);
  EXPECT_EQ(config.stages[0][1].kernel, 7);
  EXPECT_EQ(config.stages[0][1].activation, ActivationKind::kSilu);
  EXPECT_EQ(config.stages[0][1].dilation, 2);
}

TEST(MobileNetV1, IsMadeOfSeparableBlocksWithoutSkip) {
  const Graph graph = build(decode("stage_params: [{out_channels: [32], stride: [1]}]\n"));
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  EXPECT_THAT(names,
              ElementsAre("input", "stem.conv", "stem.norm", "stem.act", "stage0.block0.depthwise.conv",
                          "stage0.block0.depthwise.norm", "stage0.block0.depthwise.act", "stage0.block0.project.conv",
                          "stage0.block0.project.norm", "stage0.block0.project.act"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.depthwise.conv").groups, 32);
  EXPECT_EQ(op_of<graph::Activation>(graph, "stage0.block0.project.act").function.kind, ActivationKind::kRelu6);
  EXPECT_EQ(parameter_of(graph, "stage0.block0.project.conv.weight").role.block, "depthwise_separable");
}

TEST(MobileNetV1, HasAStemBiasWhereAskedFor) {
  const auto has_bias = [](const Graph& graph) {
    return std::any_of(graph.parameters.begin(), graph.parameters.end(),
                       [](const Parameter& parameter) { return parameter.name == "stem.conv.bias"; });
  };
  EXPECT_FALSE(has_bias(build(decode(kStages))));
  EXPECT_TRUE(has_bias(build(decode(std::string("params: {stem_bias: True}") + kStages))));
}

TEST(MobileNetV1, EndsItsPyramidWithTheLastConvolutionWhereThereIsOne) {
  EXPECT_THAT(levels(inverted_residual_net_features(decode(kStages))),
              ElementsAre(std::tuple(64, 2), std::tuple(130, 4)));
  EXPECT_THAT(levels(inverted_residual_net_features(decode(std::string("params: {last_conv_channels: 99}") + kStages))),
              ElementsAre(std::tuple(64, 2), std::tuple(99, 4)));
}

}  // namespace
}  // namespace zoo::backbones
