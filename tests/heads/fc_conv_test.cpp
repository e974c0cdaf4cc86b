#include "heads/fc_conv.h"

#include <algorithm>
#include <string>
#include <vector>

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
  FcConvConfig config;
  std::vector<ConfigDocument::Ignored> ignored;
};

Decoded decode(const std::string& text) {
  const ConfigDocument document = ConfigDocument::parse("name: fc_conv\n" + text, "x.yaml");
  document.root().at("name").as_string();
  const HeadContext context = {.features = {}, .num_classes = 10, .head_channels = 0};
  const FcConvConfig config = decode_fc_conv(document.root(), context);
  document.finish();
  return {config, document.ignored()};
}

Graph build(const FcConvConfig& config) {
  GraphBuilder builder(32);
  build_fc_conv(builder, {{graph::kNone, 8, 4}, {builder.input(), 32, 8}}, config);
  return builder.take();
}

std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes) names.push_back(node.name);
  return names;
}

const Parameter& parameter_of(const Graph& graph, std::string_view name) {
  return *std::find_if(graph.parameters.begin(), graph.parameters.end(),
                       [&](const Parameter& parameter) { return parameter.name == name; });
}

TEST(FcConvHead, PoolsBeforeItsConvolutionsAsTheTrainer) {
  const Graph graph = build(
      decode("params: {num_layers: 2, intermediate_channels: 64, act_type: relu, norm_type: batch_norm}\n").config);
  EXPECT_THAT(node_names(graph),
              ElementsAre("input", "pool", "hidden0.conv", "hidden0.norm", "hidden0.act", "flatten", "classifier"));
  EXPECT_EQ(infer_shapes(graph, {2, 32, 7, 7}).back(), (Shape{2, 10}));
  const ParameterRole& hidden = parameter_of(graph, "hidden0.conv.weight").role;
  EXPECT_EQ(hidden.block, "fc_conv");
  EXPECT_EQ(hidden.part, "hidden");
  EXPECT_EQ(parameter_of(graph, "classifier.weight").role.count("layers"), 2);
}

TEST(FcConvHead, PoolsAfterItsConvolutionsWhereAskedFor) {
  const Graph graph =
      build(decode("params: {num_layers: 3, intermediate_channels: 64, act_type: relu6, pooling: last}\n").config);
  EXPECT_THAT(node_names(graph), ElementsAre("input", "hidden0.conv", "hidden0.norm", "hidden0.act", "hidden1.conv",
                                             "hidden1.norm", "hidden1.act", "pool", "flatten", "classifier"));
  EXPECT_EQ(infer_shapes(graph, {2, 32, 7, 7})[1], (Shape{2, 64, 7, 7}));
  EXPECT_EQ(parameter_of(graph, "hidden0.conv.weight").role.part, "hidden_before_pool");
}

TEST(FcConvHead, IsAClassifierAloneByDefault) {
  const Decoded decoded = decode("params: {dropout_prob: 0.1, act_type: relu, norm_type: batch_norm, pooling: last}\n");
  EXPECT_THAT(node_names(build(decoded.config)), ElementsAre("input", "pool", "flatten", "classifier"));
  std::vector<std::string> ignored;
  for (const auto& key : decoded.ignored) ignored.push_back(key.path);
  EXPECT_THAT(ignored, ::testing::UnorderedElementsAre("params.dropout_prob", "params.act_type", "params.norm_type",
                                                       "params.pooling"));
}

TEST(FcConvHead, ReadsItsNormalisation) {
  const FcConvConfig config =
      decode(
          "params: {num_layers: 2, intermediate_channels: 8, activation: gelu, norm_type: instance_norm, "
          "norm_eps: 0.01, pooling: last}\n")
          .config;
  EXPECT_EQ(config.norm, NormKind::kInstanceNorm);
  EXPECT_EQ(config.norm_eps, 0.01);
  EXPECT_EQ(config.hidden.activation, ActivationKind::kGelu);
  EXPECT_EQ(decode("params: {num_layers: 2, intermediate_channels: 8, act_type: relu}\n").config.norm_eps, 1e-5);
}

}  // namespace
}  // namespace zoo::heads
