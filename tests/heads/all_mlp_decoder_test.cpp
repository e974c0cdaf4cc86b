#include "heads/all_mlp_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/heads/level_test_support.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;

graph::Graph build(const std::string& params, const std::vector<int64_t>& channels) {
  const ConfigDocument document = ConfigDocument::parse("name: all_mlp_decoder\nparams: " + params, "x.yaml");
  document.root().find("name").as_string();
  const HeadDefinition definition =
      define_all_mlp_decoder(document.root(), {.features = levels_of(channels), .num_classes = 4});
  document.finish();
  EXPECT_FALSE(definition.detection);
  graph::GraphBuilder builder(3);
  definition.build(builder, add_levels(builder, channels));
  return builder.take();
}

TEST(AllMlpDecoder, JoinsTheLevelsAtTheFinest) {
  const graph::Graph graph = build("{intermediate_channels: 8, classifier_dropout_prob: 0.1}", {5, 6});
  EXPECT_THAT(structure(graph, 3, {2, 3, 32, 48}),
              ElementsAre("level0.conv Conv2d(level0) 2x8x8x12", "level0.norm BatchNorm(level0.conv) 2x8x8x12",
                          "level0.act Activation(level0.norm) 2x8x8x12", "level1.conv Conv2d(level1) 2x8x4x6",
                          "level1.norm BatchNorm(level1.conv) 2x8x4x6", "level1.act Activation(level1.norm) 2x8x4x6",
                          "level1.enlarge Resize(level1.act level0.act) 2x8x8x12",
                          "join Concat(level0.act level1.enlarge) 2x16x8x12", "fuse.conv Conv2d(join) 2x8x8x12",
                          "fuse.norm BatchNorm(fuse.conv) 2x8x8x12", "fuse.act Activation(fuse.norm) 2x8x8x12",
                          "classifier Conv2d(fuse.act) 2x4x8x12"));
  ASSERT_EQ(graph.outputs.size(), 1U);
  EXPECT_EQ(graph.outputs[0].name, "logits");
}

TEST(AllMlpDecoder, TakesASingleLevel) {
  const graph::Graph graph = build("{intermediate_channels: 8}", {5});
  EXPECT_EQ(infer_shapes(graph, {1, 3, 32, 48}).back(), (Shape{1, 4, 8, 12}));
}

TEST(AllMlpDecoder, NeedsItsWidth) {
  const auto decode = [](const ConfigNode& head) {
    decode_all_mlp_decoder(head, {.features = levels_of({5}), .num_classes = 4});
  };
  EXPECT_EQ(problems_of("params: {}", decode), R"(x.yaml:1:9: params: missing key "intermediate_channels")");
  EXPECT_EQ(problems_of("params: {intermediate_channels: 0, dropout: 1}", decode),
            "x.yaml:1:33: params.intermediate_channels: must be between 1 and 16384, found 0\n"
            "x.yaml:1:36: params.dropout: unknown key; known here: classifier_dropout_prob, intermediate_channels");
}

}  // namespace
}  // namespace zoo::heads
