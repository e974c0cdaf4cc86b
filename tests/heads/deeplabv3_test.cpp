#include "heads/deeplabv3.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;

const HeadContext kContext = {.features = levels_of({5, 7}), .num_classes = 4, .head_channels = 0};

struct Decoded {
  DeepLabV3Config config;
  std::vector<ConfigDocument::Ignored> ignored;
};

Decoded decode(const std::string& params) {
  const ConfigDocument document = ConfigDocument::parse("name: deeplabv3\n" + params, "x.yaml");
  document.root().find("name").as_string();
  const DeepLabV3Config config = decode_deeplabv3(document.root(), kContext);
  document.finish();
  return {config, document.ignored()};
}

TEST(DeepLabV3, JoinsItsBranches) {
  graph::GraphBuilder builder(3);
  build_deeplabv3(builder, add_levels(builder, {5, 7}), decode("params: {atrous_rates: [3], channels: 6}").config);
  const graph::Graph graph = builder.take();
  EXPECT_THAT(
      structure(graph, 3, {2, 3, 32, 48}),
      ElementsAre("aspp.branch0.conv Conv2d(level1) 2x6x4x6", "aspp.branch0.norm BatchNorm(aspp.branch0.conv) 2x6x4x6",
                  "aspp.branch0.act Activation(aspp.branch0.norm) 2x6x4x6", "aspp.branch1.conv Conv2d(level1) 2x6x4x6",
                  "aspp.branch1.norm BatchNorm(aspp.branch1.conv) 2x6x4x6",
                  "aspp.branch1.act Activation(aspp.branch1.norm) 2x6x4x6",
                  "aspp.pooled.pool GlobalAvgPool(level1) 2x7x1x1", "aspp.pooled.conv Conv2d(aspp.pooled.pool) 2x6x1x1",
                  "aspp.pooled.norm BatchNorm(aspp.pooled.conv) 2x6x1x1",
                  "aspp.pooled.act Activation(aspp.pooled.norm) 2x6x1x1",
                  "aspp.pooled.spread Resize(aspp.pooled.act level1) 2x6x4x6",
                  "aspp.concat Concat(aspp.branch0.act aspp.branch1.act aspp.pooled.spread) 2x18x4x6",
                  "aspp.merge.conv Conv2d(aspp.concat) 2x6x4x6", "aspp.merge.norm BatchNorm(aspp.merge.conv) 2x6x4x6",
                  "aspp.merge.act Activation(aspp.merge.norm) 2x6x4x6", "refine.conv Conv2d(aspp.merge.act) 2x6x4x6",
                  "refine.norm BatchNorm(refine.conv) 2x6x4x6", "refine.act Activation(refine.norm) 2x6x4x6",
                  "classifier Conv2d(refine.act) 2x4x4x6", "upsample Resize(classifier input) 2x4x32x48"));
  EXPECT_EQ(std::get<graph::Conv2d>(graph[6].op).dilation, (graph::Size2d{3, 3}));
  EXPECT_EQ(std::get<graph::Conv2d>(graph[6].op).pad, (graph::Size2d{3, 3}));
}

TEST(DeepLabV3, HasTorchvisionsDefaults) {
  const Decoded decoded = decode("params: {dropout_prob: 0.5}");
  EXPECT_THAT(decoded.config.atrous_rates, ElementsAre(12, 24, 36));
  EXPECT_EQ(decoded.config.channels, 256);
  EXPECT_EQ(decoded.config.norm_act.norm_eps, 1e-5);
  EXPECT_EQ(decoded.config.level, 1U);
  ASSERT_EQ(decoded.ignored.size(), 1U);
  EXPECT_EQ(decoded.ignored[0].path, "params.dropout_prob");
}

TEST(DeepLabV3, ReadsTheLevelItIsTold) { EXPECT_EQ(decode("params: {in_stride: 4}").config.level, 0U); }

TEST(DeepLabV3, SaysWhatIsWrong) {
  EXPECT_EQ(problems_of("name: deeplabv3\nparams: {in_stride: 32, atrous_rates: [0], channels: 0}",
                        [](const ConfigNode& head) { decode_deeplabv3(head, kContext); }),
            "x.yaml:2:21: params.in_stride: needs a level of stride 32, but the backbone hands out levels of strides 4 "
            "and 8\n"
            "x.yaml:2:40: params.atrous_rates[0]: must be between 1 and 256, found 0\n"
            "x.yaml:2:54: params.channels: must be between 1 and 16384, found 0");
}

}  // namespace
}  // namespace zoo::heads
