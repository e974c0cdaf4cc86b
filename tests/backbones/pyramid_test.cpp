#include "backbones/pyramid.h"

#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbones/registry.h"
#include "nn/core/error.h"
#include "nn/graph/graph.h"
#include "tests/backbones/graph_probe.h"

namespace zoo::backbones {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;

struct Built {
  BackboneDefinition definition;
  Graph graph;
};

// A backbone with these named levels.
Built build(const std::string& family, const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: " + family + "\n" + text, "x.yaml");
  document.root().at("name").as_string();
  Built built = {BackboneRegistry::global().find(family)->decoder(document.root()), {}};
  document.finish();
  GraphBuilder builder(3);
  const FeaturePyramid pyramid = built.definition.build(builder);
  EXPECT_EQ(levels(pyramid), levels(built.definition.features));
  for (size_t i = 0; i < pyramid.size(); ++i) builder.output(fmt::format("feature.{}", i), pyramid[i].value);
  built.graph = builder.take();
  return built;
}

std::string mobilenetv3(const std::string& feature_levels) {
  return fmt::format(R"(
params: {{feature_levels: {}}}
stage_params:
  - {{in_channels: [16, 16], kernel_sizes: [3, 5], expanded_channels: [16, 64], out_channels: [16, 24],
     use_se: [False, True], act_type: [relu, hard_swish], stride: [1, 2]}}
  - {{in_channels: [24, 24], kernel_sizes: [3, 3], expanded_channels: [72, 72], out_channels: [24, 40],
     use_se: [True, False], act_type: [relu, relu], stride: [1, 2]}}
)",
                     feature_levels);
}

TEST(NamedLevels, AreBlocksAndWhatIsInsideThem) {
  const Built built = build("mobilenetv3", mobilenetv3("[stem, stage0.block1, stage1.block1.expand, last_conv]"));
  // An expansion still has the stride of what the block reads.
  EXPECT_THAT(levels(built.definition.features),
              ElementsAre(std::tuple(16, 2), std::tuple(24, 4), std::tuple(72, 4), std::tuple(240, 8)));
  EXPECT_THAT(output_nodes(built.graph),
              ElementsAre("stem.act", "stage0.block1.project.norm", "stage1.block1.expand.act", "last_conv.act"));
  for (const Parameter& parameter : built.graph.parameters) EXPECT_EQ(parameter.role.count("divided_block"), 3);
}

TEST(NamedLevels, EndTheNetwork) {
  const Built built = build("mobilenetv3", mobilenetv3("[stage0.block0, stage1.block0]"));
  EXPECT_TRUE(has_node(built.graph, "stage1.block0.add"));
  EXPECT_FALSE(has_node(built.graph, "stage1.block1.expand.conv"));
  EXPECT_FALSE(has_node(built.graph, "last_conv.conv"));
  for (const Parameter& parameter : built.graph.parameters) {
    EXPECT_EQ(parameter.role.count("divided_block"), std::nullopt);
  }
}

TEST(NamedLevels, AreThoseOfADepthwiseSeparableNetwork) {
  const Built built = build("mobilenetv1",
                            "params: {feature_levels: [stage0.block0, stage0.block1]}\n"
                            "stage_params: [{out_channels: [64, 128], stride: [1, 2]}]\n");
  EXPECT_THAT(output_nodes(built.graph), ElementsAre("stage0.block0.project.act", "stage0.block1.project.act"));
}

TEST(NamedLevels, AreThoseOfUniversalAndFusedBlocks) {
  const Built built = build("mobilenetv4", R"(
params: {stem_out_channel: 16, final_conv_out_channel: 96, act_type: relu,
         feature_levels: [stage0.block0.expand, stage1.block0.expand, stage1.block1, last_conv]}
stage_params:
  - [[fi, 24, 48, 3, 2]]
  - [[uir, 32, 72, True, 3, True, 5, 2], [mmqa, 32, 64, 4, ~, False, ~, ~, 1]]
)");
  EXPECT_THAT(levels(built.definition.features),
              ElementsAre(std::tuple(48, 4), std::tuple(72, 4), std::tuple(32, 8), std::tuple(96, 8)));
  EXPECT_THAT(output_nodes(built.graph), ElementsAre("stage0.block0.expand.act", "stage1.block0.expand.act",
                                                     "stage1.block1.add", "last_conv.act"));
  EXPECT_TRUE(built.definition.returned_levels.empty());
}

TEST(NamedLevels, MayLeaveOutTheFinalConvolution) {
  const Built built = build("mobilenetv4", R"(
params: {stem_out_channel: 16, final_conv_out_channel: 96, act_type: relu, feature_levels: [stage0.block0]}
stage_params: [[[conv, 24, 3, 2]], [[conv, 32, 3, 2]]]
)");
  EXPECT_THAT(levels(built.definition.features), ElementsAre(std::tuple(24, 4)));
  EXPECT_EQ(built.graph.nodes.size(), 7U) << "input, stem and one block";
}

TEST(SelectLevels, WithoutStagesYieldsWhatThereIs) {
  for (const FeatureLevels kind : {FeatureLevels::kStages, FeatureLevels::kStrides, FeatureLevels::kBlocks}) {
    const FeatureSelection selection = {.kind = kind, .named = {}};
    EXPECT_TRUE(select_levels({}, selection).empty());
    const std::vector<FeatureValue> stem = {{.name = "stem", .level = {0, 16, 2}}};
    EXPECT_THAT(levels(select_levels(stem, selection)), ElementsAre(std::tuple(16, 2)));
  }
}

const std::vector<FeatureValue> kTwoValues = {
    {.name = "stem", .level = {graph::kNone, 16, 2}},
    {.name = "stage0.block0", .level = {graph::kNone, 24, 4}, .flat_block = 0, .ends_stage = true}};

TEST(PyramidBuilder, PairsValuesByName) {
  const FeatureSelection selection;
  PyramidBuilder pyramid(kTwoValues, selection);
  pyramid.add("stem", 3, 16);
  EXPECT_FALSE(pyramid.complete());
  pyramid.add("stage0.block0", 7, 24);
  EXPECT_TRUE(pyramid.complete());
  ASSERT_EQ(pyramid.levels().size(), 1U);
  EXPECT_EQ(pyramid.levels()[0].value, 7);
}

TEST(PyramidBuilder, RefusesWhatWasNotPromised) {
  const FeatureSelection selection;
  const auto message = [](const auto& text) { return ::testing::ThrowsMessage<GraphError>(::testing::StrEq(text)); };
  PyramidBuilder pyramid(kTwoValues, selection);
  EXPECT_THAT([&] { pyramid.add("stage0.block0", 1, 24); },
              message("stage0.block0 with 24 channels: the backbone promised stem with 16 here"));
  EXPECT_THAT([&] { pyramid.add("stem", 1, 8); },
              message("stem with 8 channels: the backbone promised stem with 16 here"));
  pyramid.add("stem", 1, 16);
  EXPECT_THAT([&] { pyramid.levels(); }, message("stage0.block0: promised by the backbone, but not built"));
  pyramid.add("stage0.block0", 2, 24);
  EXPECT_THAT([&] { pyramid.add("last_conv", 3, 32); },
              message("last_conv: the backbone promised no value of this name"));
}

}  // namespace
}  // namespace zoo::backbones
