#include "heads/lraspp.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;

LrAsppConfig decode(const std::string& params, const std::vector<int64_t>& channels) {
  const ConfigDocument document = ConfigDocument::parse("name: lraspp\n" + params, "x.yaml");
  document.root().find("name").as_string();
  const LrAsppConfig config =
      decode_lraspp(document.root(), {.features = levels_of(channels), .num_classes = 4, .head_channels = 0});
  document.finish();
  return config;
}

std::string problems(const std::string& text, const std::vector<int64_t>& channels) {
  return problems_of("name: lraspp\n" + text, [&](const ConfigNode& head) {
    decode_lraspp(head, {.features = levels_of(channels), .num_classes = 4, .head_channels = 0});
  });
}

TEST(LrAspp, GatesTheCoarseLevelAndAddsTheFineOne) {
  const LrAsppConfig config = decode("params: {inter_channels: 6}", {5, 7, 9});
  graph::GraphBuilder builder(3);
  build_lraspp(builder, add_levels(builder, {5, 7, 9}), config);
  const graph::Graph graph = builder.take();
  EXPECT_THAT(structure(graph, 4, {2, 3, 32, 48}),
              ElementsAre("branch.conv Conv2d(level2) 2x6x2x3", "branch.norm BatchNorm(branch.conv) 2x6x2x3",
                          "branch.act Activation(branch.norm) 2x6x2x3", "gate.pool GlobalAvgPool(level2) 2x9x1x1",
                          "gate.conv Conv2d(gate.pool) 2x6x1x1", "gate.act Activation(gate.conv) 2x6x1x1",
                          "scale Mul(branch.act gate.act) 2x6x2x3", "to_low Resize(scale level1) 2x6x4x6",
                          "low_classifier Conv2d(level1) 2x4x4x6", "high_classifier Conv2d(to_low) 2x4x4x6",
                          "add Add(low_classifier high_classifier) 2x4x4x6", "upsample Resize(add input) 2x4x32x48"));
  std::vector<std::string> outputs;
  for (const graph::Output& output : graph.outputs) outputs.push_back(output.name + ' ' + graph[output.node].name);
  EXPECT_THAT(outputs, ElementsAre("feature.low level1", "feature.high level2", "logits upsample"));
}

TEST(LrAspp, HasTorchvisionsDefaults) {
  const LrAsppConfig config = decode("params: ~", {5, 7, 9, 11});
  EXPECT_EQ(config.inter_channels, 128);
  EXPECT_EQ(config.norm_act.norm_eps, 1e-5);
  EXPECT_EQ(config.norm_act.activation, ActivationKind::kRelu);
  EXPECT_EQ(config.low, 1U);
  EXPECT_EQ(config.high, 3U);
}

TEST(LrAspp, ReadsTheLevelsItIsTold) {
  const LrAsppConfig config = decode("params: {low_stride: 4, high_stride: 16, act_type: silu}", {5, 7, 9, 11});
  EXPECT_EQ(config.low, 0U);
  EXPECT_EQ(config.high, 2U);
  EXPECT_EQ(config.norm_act.activation, ActivationKind::kSilu);
}

TEST(LrAspp, NeedsAFineLevel) {
  EXPECT_EQ(problems("params: ~", {5}),
            "x.yaml:1:1: needs a level of stride 8, but the backbone hands out levels of stride 4");
  EXPECT_EQ(problems("params: {low_stride: 2, high_stride: 64, norm_eps: 1}", {5, 6, 7}),
            "x.yaml:2:22: params.low_stride: needs a level of stride 2, but the backbone hands out levels of strides "
            "4, 8 and 16\n"
            "x.yaml:2:38: params.high_stride: needs a level of stride 64, but the backbone hands out levels of strides "
            "4, 8 and 16\n"
            "x.yaml:2:52: params.norm_eps: must be greater than 0 and less than 1, found 1");
}

TEST(LrAspp, SaysNothingOfLevelsWhenThereAreNone) { EXPECT_EQ(problems("params: ~", {}), ""); }

}  // namespace
}  // namespace zoo::heads
