#include "heads/anchor_decoupled_head.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;

HeadDefinition define(const std::string& params, const std::vector<int64_t>& channels) {
  const ConfigDocument document = ConfigDocument::parse("name: anchor_decoupled_head\nparams: " + params, "x.yaml");
  document.root().find("name").as_string();
  const HeadContext context = {.features = levels_of(channels), .num_classes = 10};
  HeadDefinition definition = define_anchor_decoupled_head(document.root(), context);
  document.finish();
  return definition;
}

graph::Graph build(const HeadDefinition& definition, const std::vector<int64_t>& channels) {
  graph::GraphBuilder builder(3);
  definition.build(builder, add_levels(builder, channels));
  return builder.take();
}

constexpr const char* kParams = "{anchor_sizes: [[32,], [64,]], aspect_ratios: [0.5, 1.0, 2.0], num_layers: 1}";

TEST(AnchorDecoupledHead, RunsTheSameLayersOnEveryLevel) {
  const graph::Graph graph = build(define(kParams, {6, 6}), {6, 6});
  EXPECT_THAT(structure(graph, 3, {1, 3, 32, 48}),
              ElementsAre("level0.classes.conv0.conv Conv2d(level0) 1x6x8x12",
                          "level0.classes.conv0.norm BatchNorm(level0.classes.conv0.conv) 1x6x8x12",
                          "level0.classes.conv0.act Activation(level0.classes.conv0.norm) 1x6x8x12",
                          "level0.classes.predict Conv2d(level0.classes.conv0.act) 1x30x8x12",
                          "level0.boxes.conv0.conv Conv2d(level0) 1x6x8x12",
                          "level0.boxes.conv0.norm BatchNorm(level0.boxes.conv0.conv) 1x6x8x12",
                          "level0.boxes.conv0.act Activation(level0.boxes.conv0.norm) 1x6x8x12",
                          "level0.boxes.predict Conv2d(level0.boxes.conv0.act) 1x12x8x12",
                          "level1.classes.conv0.conv Conv2d(level1) 1x6x4x6",
                          "level1.classes.conv0.norm BatchNorm(level1.classes.conv0.conv) 1x6x4x6",
                          "level1.classes.conv0.act Activation(level1.classes.conv0.norm) 1x6x4x6",
                          "level1.classes.predict Conv2d(level1.classes.conv0.act) 1x30x4x6",
                          "level1.boxes.conv0.conv Conv2d(level1) 1x6x4x6",
                          "level1.boxes.conv0.norm BatchNorm(level1.boxes.conv0.conv) 1x6x4x6",
                          "level1.boxes.conv0.act Activation(level1.boxes.conv0.norm) 1x6x4x6",
                          "level1.boxes.predict Conv2d(level1.boxes.conv0.act) 1x12x4x6"));
  for (size_t i = 3; i < 11; ++i) {
    EXPECT_EQ(parameters_of(graph.nodes[i].op), parameters_of(graph.nodes[i + 8].op)) << graph.nodes[i].name;
  }
  std::vector<std::string> outputs;
  for (const auto& output : graph.outputs) outputs.push_back(output.name + " " + graph[output.node].name);
  EXPECT_THAT(outputs, ElementsAre("cls_logits.0 level0.classes.predict", "bbox_regression.0 level0.boxes.predict",
                                   "cls_logits.1 level1.classes.predict", "bbox_regression.1 level1.boxes.predict"));
}

TEST(AnchorDecoupledHead, MayHaveNoHiddenLayersOrInstanceNorms) {
  const std::string sizes = "anchor_sizes: [32, 64], aspect_ratios: [1.0]";
  EXPECT_THAT(
      structure(build(define("{" + sizes + ", num_layers: 0}", {6, 6}), {6, 6}), 3, {1, 3, 16, 16}),
      ElementsAre("level0.classes.predict Conv2d(level0) 1x10x4x4", "level0.boxes.predict Conv2d(level0) 1x4x4x4",
                  "level1.classes.predict Conv2d(level1) 1x10x2x2", "level1.boxes.predict Conv2d(level1) 1x4x2x2"));
  const graph::Graph graph = build(define("{" + sizes + ", num_layers: 2, norm_type: instance_norm}", {6, 6}), {6, 6});
  const auto norms = std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const graph::Node& node) {
    return std::holds_alternative<graph::InstanceNorm>(node.op);
  });
  EXPECT_EQ(norms, 2 * 2 * 2);
}

TEST(AnchorDecoupledHead, SaysHowItsMapsAreDecoded) {
  const HeadDefinition definition = define(kParams, {6, 6});
  ASSERT_TRUE(definition.detection);
  const DetectionDecoding& decoding = *definition.detection;
  EXPECT_EQ(decoding.classes, 10);
  EXPECT_THAT(decoding.class_outputs, ElementsAre("cls_logits.0", "cls_logits.1"));
  EXPECT_THAT(decoding.box_outputs, ElementsAre("bbox_regression.0", "bbox_regression.1"));
  EXPECT_THAT(decoding.anchors_per_position, ElementsAre(3, 3));
  EXPECT_EQ(decoding.score, ScoreFunction::kSigmoid);
  EXPECT_EQ(decoding.selection, CandidateSelection::kPerLevel);
  EXPECT_EQ(decoding.postprocess.topk_candidates, 1000);
  EXPECT_EQ(decoding.postprocess.score_thresh, 0.05);
  EXPECT_EQ(decoding.postprocess.nms_thresh, 0.45);
  const std::vector<graph::Size2d> maps = {{1, 2}, {1, 1}};
  const std::vector<Box> anchors = decoding.anchors(maps, {8, 8});
  ASSERT_EQ(anchors.size(), 9U);
  EXPECT_EQ(anchors[1], (Box{-16, -16, 16, 16}));
  EXPECT_EQ(anchors[4], (Box{240, -16, 272, 16}));
  EXPECT_EQ(anchors[7], (Box{-32, -32, 32, 32}));
}

struct BadHead {
  std::string name;
  std::string params;
  std::vector<int64_t> channels;
  std::string problem;
};

class AnchorDecoupledHeadRejects : public ::testing::TestWithParam<BadHead> {};

TEST_P(AnchorDecoupledHeadRejects, WhatDoesNotFitTheLevels) {
  const auto decode = [](const ConfigNode& head) {
    decode_anchor_decoupled_head(head, {.features = levels_of(GetParam().channels), .num_classes = 10});
  };
  EXPECT_EQ(problems_of("name: h\nparams: " + GetParam().params, decode), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Params, AnchorDecoupledHeadRejects,
    ::testing::Values(
        BadHead{"TooFewSizes",
                "{anchor_sizes: [[32]], aspect_ratios: [1], num_layers: 1}",
                {6, 6},
                "x.yaml:2:24: params.anchor_sizes: sizes for 1 level, but the head reads 2"},
        BadHead{"TooManySizes",
                "{anchor_sizes: [[32], [64], [128]], aspect_ratios: [1], num_layers: 1}",
                {6, 6},
                "x.yaml:2:24: params.anchor_sizes: sizes for 3 levels, but the head reads 2"},
        BadHead{"UnequalSizes",
                "{anchor_sizes: [[32], [64, 80]], aspect_ratios: [1], num_layers: 1}",
                {6, 6},
                "x.yaml:2:31: params.anchor_sizes[1]: 2 sizes, but the first level has 1; the levels share their "
                "convolutions"},
        BadHead{"SizeZero",
                "{anchor_sizes: [[0], [64]], aspect_ratios: [1], num_layers: 1}",
                {6, 6},
                "x.yaml:2:26: params.anchor_sizes[0][0]: must be greater than 0 and at most 1000000, found 0"},
        BadHead{"NoSize",
                "{anchor_sizes: [[], []], aspect_ratios: [1], num_layers: 1}",
                {6, 6},
                "x.yaml:2:25: params.anchor_sizes[0]: empty; a level needs a size\n"
                "x.yaml:2:29: params.anchor_sizes[1]: empty; a level needs a size"},
        BadHead{"NoRatio",
                "{anchor_sizes: [[32], [64]], aspect_ratios: [], num_layers: 1}",
                {6, 6},
                "x.yaml:2:53: params.aspect_ratios: empty; anchors need an aspect ratio"},
        BadHead{"UnequalWidths",
                "{anchor_sizes: [[32], [64]], aspect_ratios: [1], num_layers: 1}",
                {6, 8},
                "x.yaml:1:7: name: its convolutions are shared by levels of equal width, but these have 6, 8 channels; "
                "a neck makes them equal (model.architecture.neck: fpn)"},
        BadHead{"MissingKeys",
                "{}",
                {6, 6},
                "x.yaml:2:9: params: missing key \"anchor_sizes\"\nx.yaml:2:9: params: missing key \"aspect_ratios\"\n"
                "x.yaml:2:9: params: missing key \"num_layers\""},
        BadHead{"NormUnknown",
                "{anchor_sizes: [[32], [64]], aspect_ratios: [1], num_layers: 1, norm_type: batch_nrom}",
                {6, 6},
                "x.yaml:2:84: params.norm_type: unknown normalisation \"batch_nrom\"; did you mean \"batch_norm\"?"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace zoo::heads
