#include "backbones/shufflenetv2.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/backbones/graph_probe.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;

ShuffleNetV2Config decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: shufflenetv2\n" + text, "x.yaml");
  document.root().at("name").as_string();
  ShuffleNetV2Config config = decode_shufflenetv2(document.root());
  document.finish();
  return config;
}

std::vector<std::string> problems(const std::string& text) {
  try {
    decode(text);
  } catch (const ConfigError& error) {
    return error.problems();
  }
  return {};
}

Graph build(const ShuffleNetV2Config& config) {
  GraphBuilder builder(config.in_channels);
  const FeaturePyramid pyramid = build_shufflenetv2(builder, config);
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  return builder.take();
}

TEST(ShuffleNetV2, ReadsTheTrainersSizes) {
  const ShuffleNetV2Config config = decode("params: {model_size: 0.5x}\nstage_params: ~\n");
  EXPECT_EQ(config.form, ShuffleForm::kTrainer);
  EXPECT_EQ(config.norm.eps, 1e-5);
  EXPECT_EQ(config.last_conv_channels, 0);
  EXPECT_THAT(config.returned_levels, ElementsAre(1U, 2U)) << "the trainer hands out the last two stages";
  ASSERT_EQ(config.stages.size(), 3U);
  EXPECT_EQ(config.stages[1].size(), 8U);
  EXPECT_EQ(config.stages[0][0].in_channels, 24);
  EXPECT_EQ(config.stages[2][3].out_channels, 192);
  const Graph graph = build(config);
  EXPECT_THAT(output_nodes(graph), ElementsAre("stage0.block3.join", "stage1.block7.join", "stage2.block3.join"));
}

TEST(ShuffleNetV2, ReadsEveryParameter) {
  const ShuffleNetV2Config config = decode(R"(
params: {form: torchvision, in_channels: 1, stem_channels: 8, act_type: silu, last_conv_channels: 40,
         norm_type: instance_norm, norm_eps: 1.0e-3, feature_levels: [stem, pool, stage0.block1, last_conv]}
stage_params:
  - {out_channels: [12, 12], stride: [2, 1], kernel_sizes: [5, 3]}
)");
  EXPECT_EQ(config.form, ShuffleForm::kTorchvision);
  EXPECT_EQ(config.activation, ActivationKind::kSilu);
  EXPECT_EQ(config.norm.kind, NormKind::kInstanceNorm);
  EXPECT_EQ(config.norm.eps, 1e-3);
  EXPECT_TRUE(config.returned_levels.empty());
  const Graph graph = build(config);
  EXPECT_EQ(graph.in_channels(), 1);
  EXPECT_THAT(output_nodes(graph), ElementsAre("stem.act", "pool", "stage0.block1.shuffle", "last_conv.act"));
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.main.depthwise.conv").kernel.h, 5);
  EXPECT_EQ(op_of<graph::Conv2d>(graph, "stage0.block0.projection.depthwise.conv").stride.h, 2);
}

// Stage 2 of the 1.0x network: 24 -> 116 channels.
TEST(ShuffleNetV2, SharesTheWidthAsEachLibraryDoes) {
  const auto widths = [](const char* form) {
    const Graph graph = build(decode(fmt::format("params: {{model_size: 1.0x, form: {}}}\n", form)));
    return std::tuple(op_of<graph::Conv2d>(graph, "stage0.block0.projection.project.conv").out_channels,
                      op_of<graph::Conv2d>(graph, "stage0.block0.main.expand.conv").out_channels,
                      op_of<graph::Conv2d>(graph, "stage0.block0.main.project.conv").out_channels);
  };
  EXPECT_EQ(widths("trainer"), std::tuple(24, 58, 92));
  EXPECT_EQ(widths("torchvision"), std::tuple(58, 58, 58));
}

TEST(ShuffleNetV2, ShufflesWhereEachLibraryDoes) {
  const Graph trainer = build(decode("params: {model_size: 0.5x}\n"));
  EXPECT_EQ(op_of<graph::ShuffleChannels>(trainer, "stage0.block1.shuffle").groups, 24);
  EXPECT_FALSE(has_node(trainer, "stage0.block0.shuffle"));
  const Graph torchvision = build(decode("params: {model_size: 0.5x, form: torchvision}\n"));
  EXPECT_EQ(op_of<graph::ShuffleChannels>(torchvision, "stage0.block0.shuffle").groups, 2);
  EXPECT_EQ(op_of<graph::SliceChannels>(torchvision, "stage0.block1.worked").begin, 24);
}

TEST(ShuffleNetV2, SaysWhereEveryParameterSits) {
  const Graph graph = build(decode("params: {model_size: 0.5x, last_conv_channels: 32}\n"));
  const ParameterRole& role = parameter_of(graph, "stage1.block2.main.depthwise.conv.weight").role;
  EXPECT_EQ(std::tuple(role.block, role.part), std::tuple("shuffle", "depthwise"));
  EXPECT_EQ(std::tuple(role.count("stage"), role.count("block"), role.count("entry")), std::tuple(1, 2, 7));
  EXPECT_EQ(parameter_of(graph, "stage0.block0.projection.project.norm.bias").role.part, "projection_project");
  EXPECT_EQ(parameter_of(graph, "last_conv.conv.weight").role.part, "last_conv");
}

TEST(ShuffleNetV2, RefusesBlocksThatCannotBe) {
  EXPECT_THAT(problems("stage_params: [{out_channels: [47], stride: [2]}]\n"),
              ElementsAre("x.yaml:2:32: stage_params[0].out_channels[0]: must be even, found 47"));
  EXPECT_THAT(problems("stage_params: [{out_channels: [48, 50], stride: [2, 1]}]\n"),
              ElementsAre("x.yaml:2:36: stage_params[0].out_channels[1]: 50, but a block of stride 1 keeps the 48 "
                          "channels that it reads"));
  EXPECT_THAT(problems("stage_params: [{out_channels: [24], stride: [2]}]\n"),
              ElementsAre("x.yaml:2:32: stage_params[0].out_channels[0]: 24, but the projection alone yields 24: write "
                          "more, or form: torchvision"));
  EXPECT_TRUE(problems("params: {form: torchvision}\nstage_params: [{out_channels: [24], stride: [2]}]\n").empty());
}

TEST(ShuffleNetV2, RefusesASizeBesideStages) {
  EXPECT_THAT(
      problems("params: {model_size: 0.5x}\nstage_params: [{out_channels: [48], stride: [2]}]\n"),
      ElementsAre("x.yaml:3:15: stage_params: stands beside params.model_size, which says the same; give one of "
                  "them"));
  EXPECT_THAT(problems("params: {model_size: 3x}\n"), ::testing::SizeIs(1));
  EXPECT_THAT(problems("params: {}\n"), ElementsAre(::testing::HasSubstr("missing key \"stage_params\"")));
}

}  // namespace
}  // namespace zoo::backbones
