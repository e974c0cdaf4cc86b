// Every family of backbones with every head of torchvision, by model file alone: the shapes are right, and the engines
// agree.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"
#include "tests/support/compare.h"
#include "tests/support/family_configs.h"

namespace zoo {
namespace {

constexpr int64_t kClasses = 5;

// Narrow layers: the reference engine is slow.
const std::map<std::string, std::string> kHeads = {
    {"ssdlite", "{name: ssdlite, params: {in_strides: [8, 32], extra_channels: [24, 16]}}"},
    {"lraspp", "{name: lraspp, params: {inter_channels: 16}}"},
    {"deeplabv3", "{name: deeplabv3, params: {atrous_rates: [2, 4], channels: 16}}"}};

models::ModelConfig load(const std::string& file, const std::string& head) {
  const std::vector<ConfigOverride> overrides = {
      ConfigOverride::parse(head == "ssdlite" ? "model.task=detection" : "model.task=segmentation"),
      ConfigOverride::parse(fmt::format("model.num_classes={}", kClasses)),
      ConfigOverride::parse("model.labels=~"),
      ConfigOverride::parse("model.architecture.head=" + kHeads.at(head)),
  };
  return models::load_model_config(std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / file, overrides);
}

std::map<std::string, Tensor> run(const graph::BoundGraph& network, const Tensor& image, engine::EngineKind kind) {
  engine::CompileOptions options;
  options.engine = kind;
  const auto executable = engine::Executable::compile(network, image.shape, options);
  const auto runner = executable->new_runner();
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  std::map<std::string, Tensor> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    const auto values = runner->output(i);
    outputs[executable->outputs()[i].name] = {executable->outputs()[i].shape, {values.begin(), values.end()}};
  }
  return outputs;
}

class AnyBackboneAnyHead : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(AnyBackboneAnyHead, FitTogether) {
  const auto& [file, head] = GetParam();
  const models::ModelConfig config = load(file, head);
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  network.values = weights::formula_values(network.graph.parameters, {"agreement", 3.5});
  const Tensor image = weights::formula_input({2, 3, 64, 96}, "agreement");
  const auto actual = run(network, image, engine::EngineKind::kOneDnn);
  const auto expected = run(network, image, engine::EngineKind::kReference);
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, tensor] : actual) {
    EXPECT_EQ(tensor.shape, expected.at(name).shape) << name;
    EXPECT_TRUE(test::close_to_max(tensor.data, expected.at(name).data, 1e-4)) << name;
  }
  if (head != "ssdlite") {
    EXPECT_EQ(actual.at("logits").shape, (Shape{2, kClasses, 64, 96}));
    return;
  }
  // Levels of stride 8 and 32, then half of that twice; six boxes per position.
  const std::vector<graph::Size2d> maps = {{8, 12}, {2, 3}, {1, 2}, {1, 1}};
  int64_t positions = 0;
  for (size_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(actual.at(fmt::format("cls_logits.{}", i)).shape, (Shape{2, 6 * kClasses, maps[i].h, maps[i].w}));
    EXPECT_EQ(actual.at(fmt::format("bbox_regression.{}", i)).shape, (Shape{2, 6 * 4, maps[i].h, maps[i].w}));
    positions += maps[i].h * maps[i].w;
  }
  ASSERT_TRUE(config.detection);
  EXPECT_EQ(config.detection->anchors(maps, {64, 96}).size(), static_cast<size_t>(6 * positions));
}

std::vector<std::string> files() {
  std::vector<std::string> files;
  for (const auto& [family, file] : test::smallest_classifiers()) files.push_back(file);
  return files;
}

std::vector<std::string> head_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : kHeads) names.push_back(name);
  return names;
}

// One per family, of which the features are one per stride.
INSTANTIATE_TEST_SUITE_P(Families, AnyBackboneAnyHead,
                         ::testing::Combine(::testing::ValuesIn(files()), ::testing::ValuesIn(head_names())),
                         [](const auto& test) {
                           return test::test_name(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
                         });

}  // namespace
}  // namespace zoo
