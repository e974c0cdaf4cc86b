// Thousands of valid model files: each is read without a problem, has the outputs it says, and both engines, which
// share no code below the graph, agree on it.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "nn/core/error.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/generator/config_generator.h"
#include "tests/support/compare.h"

namespace zoo::test {
namespace {

constexpr uint32_t kFiles = 3000;
constexpr uint32_t kFilesPerTest = 100;
// As tests/golden/engine_agreement_test.cpp.
constexpr double kTolerance = 1e-4;
constexpr double kGain = 2.5;

std::string in_words(const GeneratedConfig& config) {
  return fmt::format("seed {}, {}, input {}\n{}", config.seed, config.form, config.input.to_string(), config.text);
}

models::ModelConfig decode(const GeneratedConfig& config) {
  return models::decode_model_config(ConfigDocument::parse(config.text, "generated.yaml"), "generated.yaml");
}

void expect_promised_shapes(const GeneratedConfig& config, const graph::Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph, config.input);
  const auto shape_of = [&](size_t output) { return shapes.at(static_cast<size_t>(graph.outputs.at(output).node)); };
  ASSERT_EQ(graph.outputs.size(), config.levels.size() + 1);
  EXPECT_EQ(shape_of(0), (Shape{config.input[0], config.num_classes}));
  for (size_t i = 0; i < config.levels.size(); ++i) {
    const auto [channels, stride] = config.levels[i];
    const Shape actual = shape_of(i + 1);
    const auto rows = [&](size_t axis) { return (config.input[axis] + stride - 1) / stride; };
    Shape expected = {config.input[0], channels, rows(2), rows(3)};
    for (const size_t axis : {size_t{2}, size_t{3}}) {
      const int64_t fewest = config.input[axis] / stride;
      if (config.rounds_down && actual[axis] >= fewest && actual[axis] < expected[axis]) expected[axis] = actual[axis];
    }
    EXPECT_EQ(actual, expected) << graph.outputs[i + 1].name;
  }
}

void expect_same_features(const models::ModelConfig& config, const std::vector<ExpectedLevel>& levels) {
  ASSERT_EQ(config.backbone.features.size(), levels.size());
  for (size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(config.backbone.features[i].channels, levels[i].channels) << "feature " << i;
    EXPECT_EQ(config.backbone.features[i].stride, levels[i].stride) << "feature " << i;
  }
}

std::vector<std::vector<float>> outputs_of(const graph::BoundGraph& network, const Tensor& image,
                                           engine::EngineKind kind) {
  engine::CompileOptions options;
  options.engine = kind;
  const auto executable = engine::Executable::compile(network, image.shape, options);
  const auto runner = executable->new_runner();
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  }
  return outputs;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b.at(i));
    if (!(difference <= largest)) largest = difference;  // also for NaN
  }
  return largest;
}

// By how much every output of the reference engine moves when the image does in its sixth digit. Some random networks,
// those that normalise nearly constant maps above all, amplify rounding; on those the engines differ as much.
std::vector<double> sensitivity(const graph::BoundGraph& network, const Tensor& image) {
  constexpr float kNudge = 1e-6F;
  Tensor nudged = image;
  for (size_t i = 0; i < nudged.data.size(); ++i) nudged.data[i] *= i % 2 == 0 ? 1.0F + kNudge : 1.0F - kNudge;
  const auto before = outputs_of(network, image, engine::EngineKind::kReference);
  const auto after = outputs_of(network, nudged, engine::EngineKind::kReference);
  std::vector<double> changes;
  for (size_t i = 0; i < before.size(); ++i) changes.push_back(largest_difference(before[i], after[i]));
  return changes;
}

void expect_engines_agree(const GeneratedConfig& config, graph::Graph graph) {
  constexpr double kTimesSensitivity = 10.0;
  constexpr double kZero = 1e-6;  // of a network that cancels its input out, rounding is left
  graph::BoundGraph network;
  network.values = weights::formula_values(graph.parameters, {"generated", kGain});
  network.graph = std::move(graph);
  const Tensor image = weights::formula_input(config.input, "generated");
  const auto actual = outputs_of(network, image, engine::EngineKind::kOneDnn);
  const auto expected = outputs_of(network, image, engine::EngineKind::kReference);
  std::vector<double> changes;
  for (size_t i = 0; i < expected.size(); ++i) {
    const ::testing::AssertionResult close = close_to_max(actual.at(i), expected[i], kTolerance);
    if (close) continue;
    if (changes.empty()) changes = sensitivity(network, image);
    EXPECT_LE(largest_difference(actual[i], expected[i]), std::max(kZero, kTimesSensitivity * changes[i]))
        << network.graph.outputs[i].name << ": " << close.message();
  }
}

class GeneratedConfigs : public ::testing::TestWithParam<uint32_t> {};

TEST_P(GeneratedConfigs, AreReadAndRunAlikeByBothEngines) {
  for (uint32_t seed = GetParam(); seed < GetParam() + kFilesPerTest; ++seed) {
    const GeneratedConfig generated = generate_config(seed);
    SCOPED_TRACE(in_words(generated));
    try {
      const models::ModelConfig config = decode(generated);
      EXPECT_EQ(config.num_classes, generated.num_classes);
      expect_same_features(config, generated.levels);
      graph::Graph graph = models::build_graph(config);
      expect_promised_shapes(generated, graph);
      expect_engines_agree(generated, std::move(graph));
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GeneratedConfigs, ::testing::Range(0U, kFiles, kFilesPerTest),
                         ::testing::PrintToStringParamName());

TEST(GeneratedConfigsOf, EveryFormAreMany) {
  std::map<std::string, int> count;
  for (uint32_t seed = 0; seed < kFiles; ++seed) ++count[generate_config(seed).form];
  EXPECT_EQ(count.size(), 6U);
  for (const auto& [form, files] : count) EXPECT_GT(files, 300) << form;
}

TEST(GeneratedConfigsOf, OneSeedAreTheSame) {
  EXPECT_EQ(generate_config(17).text, generate_config(17).text);
  EXPECT_NE(generate_config(17).text, generate_config(18).text);
}

}  // namespace
}  // namespace zoo::test
