#include "heads/ssdlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const HeadContext kContext = {.features = levels_of({5, 6, 8, 12}), .num_classes = 3, .head_channels = 0};

SsdLiteConfig decode(const std::string& params) {
  const ConfigDocument document = ConfigDocument::parse("name: ssdlite\n" + params, "x.yaml");
  document.root().find("name").as_string();
  const SsdLiteConfig config = decode_ssdlite(document.root(), kContext);
  document.finish();
  return config;
}

std::string problems(const std::string& params) {
  return problems_of("name: ssdlite\n" + params, [](const ConfigNode& head) { decode_ssdlite(head, kContext); });
}

TEST(SsdLite, MakesLevelsAndPredictsOnAll) {
  graph::GraphBuilder builder(3);
  build_ssdlite(builder, add_levels(builder, {5, 6, 8, 12}),
                decode("params: {in_strides: [16], extra_channels: [10], aspect_ratios: [2]}"));
  const graph::Graph graph = builder.take();
  const std::vector<std::string> nodes = structure(graph, 5, {2, 3, 80, 48});
  EXPECT_THAT(std::vector<std::string>(nodes.begin(), nodes.begin() + 13),
              ElementsAre("extra0.reduce.conv Conv2d(level2) 2x5x5x3",
                          "extra0.reduce.norm BatchNorm(extra0.reduce.conv) 2x5x5x3",
                          "extra0.reduce.act Activation(extra0.reduce.norm) 2x5x5x3",
                          "extra0.depthwise.conv Conv2d(extra0.reduce.act) 2x5x3x2",
                          "extra0.depthwise.norm BatchNorm(extra0.depthwise.conv) 2x5x3x2",
                          "extra0.depthwise.act Activation(extra0.depthwise.norm) 2x5x3x2",
                          "extra0.project.conv Conv2d(extra0.depthwise.act) 2x10x3x2",
                          "extra0.project.norm BatchNorm(extra0.project.conv) 2x10x3x2",
                          "extra0.project.act Activation(extra0.project.norm) 2x10x3x2",
                          "class0.depthwise.conv Conv2d(level2) 2x8x5x3",
                          "class0.depthwise.norm BatchNorm(class0.depthwise.conv) 2x8x5x3",
                          "class0.depthwise.act Activation(class0.depthwise.norm) 2x8x5x3",
                          "class0.predict Conv2d(class0.depthwise.act) 2x12x5x3"));
  EXPECT_EQ(nodes.back(), "box1.predict Conv2d(box1.depthwise.act) 2x16x3x2");
  std::vector<std::string> outputs;
  for (const auto& output : graph.outputs) outputs.push_back(output.name);
  EXPECT_THAT(outputs,
              ElementsAre("extra.0", "cls_logits.0", "bbox_regression.0", "cls_logits.1", "bbox_regression.1"));
}

TEST(SsdLite, HasTheDefaultsOfSsdlite320) {
  const SsdLiteConfig config = decode("params: ~");
  EXPECT_THAT(config.levels, ElementsAre(2U, 3U));
  EXPECT_THAT(config.extra_channels, ElementsAre(512, 256, 256, 128));
  EXPECT_EQ(config.norm_act.activation, ActivationKind::kRelu6);
  EXPECT_EQ(config.norm_act.norm_eps, 1e-3);
  EXPECT_THAT(boxes_per_position(config.boxes), ElementsAre(6, 6, 6, 6, 6, 6));
  EXPECT_THAT(config.boxes.scales, ElementsAre(DoubleEq(0.2), DoubleEq(0.35), DoubleEq(0.5), DoubleEq(0.65),
                                               DoubleEq(0.8), DoubleEq(0.95), DoubleEq(1.0)));
  EXPECT_THAT(config.boxes.steps, IsEmpty());
  EXPECT_TRUE(config.boxes.clip);

  const DetectionDecoding decoding = ssdlite_decoding(config);
  EXPECT_EQ(decoding.classes, 3);
  EXPECT_THAT(decoding.class_outputs, ElementsAre("cls_logits.0", "cls_logits.1", "cls_logits.2", "cls_logits.3",
                                                  "cls_logits.4", "cls_logits.5"));
  EXPECT_EQ(decoding.score, ScoreFunction::kSoftmax);
  EXPECT_EQ(decoding.selection, CandidateSelection::kPerClass);
  EXPECT_EQ(decoding.coding.x, 10.0);
  EXPECT_EQ(decoding.coding.y, 10.0);
  EXPECT_EQ(decoding.coding.w, 5.0);
  EXPECT_EQ(decoding.coding.h, 5.0);
  EXPECT_EQ(decoding.postprocess.topk_candidates, 300);
  EXPECT_EQ(decoding.postprocess.score_thresh, 0.001);
  EXPECT_EQ(decoding.postprocess.nms_thresh, 0.55);
  EXPECT_EQ(decoding.postprocess.max_detections, 300);
}

TEST(SsdLite, LaysItsBoxesOverEveryMap) {
  const DetectionDecoding decoding =
      ssdlite_decoding(decode("params: {in_strides: [16], extra_channels: [10], aspect_ratios: [[2], []]}"));
  EXPECT_THAT(decoding.anchors_per_position, ElementsAre(4, 2));
  const std::vector<graph::Size2d> maps = {{5, 3}, {3, 2}};
  EXPECT_EQ(decoding.anchors(maps, {80, 48}).size(), 5U * 3U * 4U + 3U * 2U * 2U);
}

TEST(SsdLite, SaysWhichLevelsItMisses) {
  EXPECT_EQ(problems("params: {in_strides: [64, 16, 12]}"),
            "x.yaml:2:23: params.in_strides[0]: needs a level of stride 64, but the backbone hands out levels of "
            "strides 4, 8, 16 and 32\n"
            "x.yaml:2:27: params.in_strides[1]: 16 does not come after 64\n"
            "x.yaml:2:31: params.in_strides[2]: 12 does not come after 16\n"
            "x.yaml:2:31: params.in_strides[2]: needs a level of stride 12, but the backbone hands out levels of "
            "strides 4, 8, 16 and 32");
  EXPECT_EQ(problems("params: {in_strides: []}"),
            "x.yaml:2:22: params.in_strides: empty: the head reads at least one level");
  EXPECT_EQ(problems_of("params: ~",
                        [](const ConfigNode& head) {
                          decode_ssdlite(head, {.features = levels_of({5}), .num_classes = 3, .head_channels = 0});
                        }),
            "x.yaml:1:1: <document>: needs a level of stride 16, but the backbone hands out levels of stride 4\n"
            "x.yaml:1:1: <document>: needs a level of stride 32, but the backbone hands out levels of stride 4");
}

TEST(SsdLite, SaysWhatIsWrongWithItsBoxes) {
  EXPECT_EQ(problems("params: {extra_channels: [8], aspect_ratios: [[2], [0]], scales: [0.1, 0.2], steps: [16],\n"
                     "  min_ratio: 0.2, extra_chanels: []}"),
            "x.yaml:2:46: params.aspect_ratios: 2 values, but the head has 3 levels\n"
            "x.yaml:2:53: params.aspect_ratios[1][0]: must be greater than 0 and at most 100, found 0\n"
            "x.yaml:2:66: params.scales: 2 values, but the head has 3 levels and needs 4\n"
            "x.yaml:2:85: params.steps: 1 value, but the head has 3 levels\n"
            "x.yaml:3:14: params.min_ratio: given beside scales, which say the same\n"
            "x.yaml:3:19: params.extra_chanels: unknown key; did you mean \"extra_channels\"?");
  EXPECT_EQ(problems("params: {min_ratio: 0.9, max_ratio: 0.5}"),
            "x.yaml:2:21: params.min_ratio: min_ratio 0.9 is over max_ratio 0.5");
}

}  // namespace
}  // namespace zoo::heads
