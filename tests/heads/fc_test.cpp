#include "heads/fc.h"

#include <string>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/graph/graph.h"

namespace zoo::heads {
namespace {

using graph::Graph;
using graph::GraphBuilder;
using ::testing::ElementsAre;

struct Decoded {
  FcConfig config;
  std::vector<ConfigDocument::Ignored> ignored;
};

Decoded decode(const std::string& text, int64_t head_channels = 0) {
  const ConfigDocument document = ConfigDocument::parse("name: fc\n" + text, "x.yaml");
  document.root().at("name").as_string();
  const HeadContext context = {.features = {}, .num_classes = 10, .head_channels = head_channels};
  const FcConfig config = decode_fc(document.root(), context);
  document.finish();
  return {config, document.ignored()};
}

Graph build(const FcConfig& config) {
  GraphBuilder builder(32);
  build_fc(builder, {{graph::kNone, 8, 4}, {builder.input(), 32, 8}}, config);
  return builder.take();
}

TEST(FcHead, IsOneLinearLayerByDefault) {
  for (const char* text : {"", "params: ~\n", "params: {}\n", "params: {num_layers: 1}\n"}) {
    const Graph graph = build(decode(text).config);
    ASSERT_EQ(graph.nodes.size(), 4U) << text;
    EXPECT_EQ(graph[1].name, "pool");
    EXPECT_EQ(graph[2].name, "flatten");
    EXPECT_EQ(graph[3].name, "classifier");
    ASSERT_EQ(graph.parameters.size(), 2U);
    EXPECT_EQ(graph.parameters[0].shape, (Shape{10, 32}));
    EXPECT_EQ(graph.outputs.at(0).name, "logits");
  }
}

TEST(FcHead, HasHiddenLayersBeforeTheClassifier) {
  const Graph graph = build(
      decode("params: {num_layers: 3, intermediate_channels: 64, act_type: hard_swish, dropout_prob: 0.}\n").config);
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  EXPECT_THAT(names, ElementsAre("input", "pool", "flatten", "hidden0.linear", "hidden0.act", "hidden1.linear",
                                 "hidden1.act", "classifier"));
  EXPECT_EQ(infer_shapes(graph, {2, 32, 7, 7}).back(), (Shape{2, 10}));
}

TEST(FcHead, SaysWhereEveryParameterSits) {
  const Graph graph = build(decode("params: {num_layers: 2, intermediate_channels: 64, activation: relu}\n").config);
  std::vector<std::tuple<Section, std::string, int, int>> roles;
  for (const Parameter& parameter : graph.parameters) {
    roles.emplace_back(parameter.role.section, parameter.role.part, parameter.role.count("layer").value(),
                       parameter.role.count("layers").value());
  }
  const std::tuple hidden(Section::kHead, "hidden", 0, 2);
  const std::tuple classifier(Section::kHead, "classifier", 1, 2);
  EXPECT_THAT(roles, ElementsAre(hidden, hidden, classifier, classifier));
}

TEST(FcHead, MayHaveHiddenLayersWithoutBias) {
  const Graph graph = build(
      decode("params: {num_layers: 2, intermediate_channels: 64, act_type: relu, intermediate_bias: False}\n").config);
  ASSERT_EQ(graph.parameters.size(), 3U);
  EXPECT_EQ(graph.parameters[0].name, "hidden0.linear.weight");
  EXPECT_EQ(graph.parameters[1].name, "classifier.weight");
}

TEST(FcHead, TakesTheHiddenWidthFromTheBackboneWhereThatHasOne) {
  EXPECT_EQ(decode("params: {num_layers: 2, act_type: relu}\n", 1024).config.hidden.intermediate_channels, 1024);
  EXPECT_EQ(decode("params: {num_layers: 2, act_type: relu, intermediate_channels: 1024}\n", 1024)
                .config.hidden.intermediate_channels,
            1024);
}

TEST(FcHead, IgnoresWhatActsInTrainingOnly) {
  const Decoded decoded =
      decode("params: {num_layers: 2, intermediate_channels: 64, act_type: relu, dropout_prob: 0.2}\n");
  ASSERT_EQ(decoded.ignored.size(), 1U);
  EXPECT_EQ(decoded.ignored[0].path, "params.dropout_prob");
  EXPECT_EQ(decoded.ignored[0].reason, "dropout acts in training only");
}

TEST(FcHead, IgnoresHiddenLayerKeysWithoutHiddenLayer) {
  const Decoded decoded = decode("params: {num_layers: 1, intermediate_channels: 64, act_type: relu}\n");
  ASSERT_EQ(decoded.ignored.size(), 2U);
  EXPECT_EQ(decoded.ignored[0].reason, "a head with num_layers 1 has no hidden layer");
}

TEST(HeadRegistry, KnowsTheBuiltInHeads) {
  EXPECT_THAT(HeadRegistry::global().names(Task::kClassification), ::testing::Contains("fc"));
  EXPECT_NE(HeadRegistry::global().find(Task::kClassification, "fc"), nullptr);
  EXPECT_EQ(HeadRegistry::global().find(Task::kClassification, "fcc"), nullptr);
  EXPECT_EQ(HeadRegistry::global().find(Task::kDetection, "fc"), nullptr);
  EXPECT_TRUE(HeadRegistry().names(Task::kSegmentation).empty());
}

TEST(HeadRegistry, RefusesATakenName) {
  HeadRegistry registry;
  registry.add(Task::kClassification, "mine", {});
  registry.add(Task::kDetection, "mine", {});
  EXPECT_THAT([&] { registry.add(Task::kDetection, "mine", {}); },
              ::testing::ThrowsMessage<Error>("detection head \"mine\" is registered already"));
}

}  // namespace
}  // namespace zoo::heads
