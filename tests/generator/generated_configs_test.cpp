// Thousands of valid model files: each is read without a problem, has the outputs it says, and both engines, which
// share no code below the graph, agree on it. What a detector finds is as its postprocessor says.
#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backbones/registry.h"
#include "heads/detection.h"
#include "heads/neck_registry.h"
#include "heads/registry.h"
#include "models/model_config.h"
#include "nn/core/error.h"
#include "nn/core/task.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/generator/backbone_sketch.h"
#include "tests/generator/config_generator.h"
#include "tests/support/compare.h"

namespace zoo::test {
namespace {

constexpr uint32_t kFiles = 2500;
constexpr uint32_t kFilesPerTest = 50;
/// How many of them are compiled and run; all others by ZOO_GENERATED_FILES in the environment.
constexpr uint32_t kFilesRun = 1000;
// As tests/golden/engine_agreement_test.cpp.
constexpr double kTolerance = 1e-4;
constexpr double kGain = 2.5;

std::string in_words(const GeneratedConfig& config) {
  return fmt::format("seed {}, {} with {}, input {}\n{}", config.seed, config.form, config.head,
                     config.input.to_string(), config.text);
}

models::ModelConfig decode(const GeneratedConfig& config) {
  return models::decode_model_config(ConfigDocument::parse(config.text, "generated.yaml"), "generated.yaml");
}

Shape promised_shape(const GeneratedConfig& config, const ExpectedOutput& output, const Shape& actual) {
  if (output.stride == 0) return {config.input[0], output.channels};
  Shape expected = {config.input[0], output.channels, 0, 0};
  for (const size_t axis : {size_t{2}, size_t{3}}) {
    const int64_t most = (config.input[axis] + output.stride - 1) / output.stride;
    const int64_t fewest = config.rounds_down ? std::max<int64_t>(1, config.input[axis] / output.stride) : most;
    expected[axis] = actual.rank() == 4 ? std::clamp(actual[axis], fewest, most) : most;
  }
  return expected;
}

void expect_promised_shapes(const GeneratedConfig& config, const graph::Graph& graph) {
  const std::vector<Shape> shapes = infer_shapes(graph, config.input);
  std::map<std::string, Shape> actual;
  for (const graph::Output& output : graph.outputs) {
    actual[output.name] = shapes.at(static_cast<size_t>(output.node));
  }
  EXPECT_EQ(actual.size(), config.outputs.size());
  for (const ExpectedOutput& output : config.outputs) {
    ASSERT_TRUE(actual.contains(output.name)) << output.name;
    EXPECT_EQ(actual[output.name], promised_shape(config, output, actual[output.name])) << output.name;
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

using Outputs = std::vector<std::vector<float>>;

// What oneDNN yields, one list per output of the graph.
Outputs expect_engines_agree(const GeneratedConfig& config, const graph::BoundGraph& network) {
  constexpr double kTimesSensitivity = 10.0;
  constexpr double kZero = 1e-6;  // of a network that cancels its input out, rounding is left
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
  return actual;
}

// Intersection over union, in double.
double overlap(const heads::Box& a, const heads::Box& b) {
  const auto area = [](const heads::Box& box) {
    return (static_cast<double>(box.x1) - box.x0) * (static_cast<double>(box.y1) - box.y0);
  };
  const double width = static_cast<double>(std::min(a.x1, b.x1)) - std::max(a.x0, b.x0);
  const double height = static_cast<double>(std::min(a.y1, b.y1)) - std::max(a.y0, b.y0);
  if (width <= 0.0 || height <= 0.0) return 0.0;
  return width * height / (area(a) + area(b) - width * height);
}

// Detections of the first picture out of the raw maps.
std::vector<heads::Detection> detections_in(const heads::DetectionDecoding& decoding, const graph::Graph& graph,
                                            const Shape& input, const Outputs& outputs) {
  const std::vector<Shape> shapes = infer_shapes(graph, input);
  const auto index_of = [&](const std::string& name) {
    const auto found = std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                    [&](const graph::Output& output) { return output.name == name; });
    return static_cast<size_t>(found - graph.outputs.begin());
  };
  std::vector<heads::LevelMaps> levels;
  std::vector<graph::Size2d> maps;
  for (size_t i = 0; i < decoding.class_outputs.size(); ++i) {
    const size_t scores = index_of(decoding.class_outputs[i]);
    const size_t offsets = index_of(decoding.box_outputs[i]);
    const auto first_picture = [&](size_t output) {
      return std::span<const float>(outputs.at(output)).first(outputs[output].size() / static_cast<size_t>(input[0]));
    };
    const Shape& shape = shapes.at(static_cast<size_t>(graph.outputs[scores].node));
    maps.push_back({shape[2], shape[3]});
    levels.push_back({first_picture(scores), first_picture(offsets), maps.back()});
  }
  const graph::Size2d size = {input[2], input[3]};
  return heads::decode_detections(decoding, decoding.anchors(maps, size), levels, size);
}

// How many there are.
size_t expect_detections_as_configured(heads::DetectionDecoding decoding, const graph::Graph& graph, const Shape& input,
                                       const Outputs& outputs) {
  constexpr int64_t kCandidates = 50;  // of thousands, every pair would be compared
  constexpr double kRounding = 1e-4;
  heads::Postprocess& post = decoding.postprocess;
  post.topk_candidates = std::min(post.topk_candidates, kCandidates);
  const std::vector<heads::Detection> found = detections_in(decoding, graph, input, outputs);
  const auto count = static_cast<int64_t>(found.size());
  EXPECT_TRUE(post.max_detections == 0 || count <= post.max_detections) << count;
  const int64_t first_label = decoding.score == heads::ScoreFunction::kSoftmax ? 1 : 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [box, score, label] = found[i];
    EXPECT_GT(score, static_cast<float>(post.score_thresh));
    EXPECT_TRUE(label >= first_label && label < decoding.classes) << label;
    EXPECT_TRUE(0.0F <= box.x0 && box.x0 <= box.x1 && box.x1 <= static_cast<float>(input[3]))
        << box.x0 << ' ' << box.x1;
    EXPECT_TRUE(0.0F <= box.y0 && box.y0 <= box.y1 && box.y1 <= static_cast<float>(input[2]))
        << box.y0 << ' ' << box.y1;
    for (size_t k = 0; k < i; ++k) {
      if (found[k].score < score) ADD_FAILURE() << "the better one comes second";
      if (!post.class_agnostic && found[k].label != label) continue;
      EXPECT_LE(overlap(found[k].box, box), post.nms_thresh + kRounding);
    }
  }
  return found.size();
}

class GeneratedConfigs : public ::testing::TestWithParam<uint32_t> {};

TEST_P(GeneratedConfigs, AreReadAndRunAlikeByBothEngines) {
  size_t detections = 0;
  for (uint32_t seed = GetParam(); seed < GetParam() + kFilesPerTest; ++seed) {
    const GeneratedConfig generated = generate_config(seed);
    SCOPED_TRACE(in_words(generated));
    try {
      const models::ModelConfig config = decode(generated);
      EXPECT_EQ(config.num_classes, generated.num_classes);
      expect_same_features(config, generated.levels);
      graph::BoundGraph network;
      network.graph = models::build_graph(config);
      expect_promised_shapes(generated, network.graph);
      network.values = weights::formula_values(network.graph.parameters, {"generated", kGain});
      const Outputs outputs = expect_engines_agree(generated, network);
      ASSERT_EQ(config.detection.has_value(), generated.task == "detection");
      if (config.detection) {
        detections += expect_detections_as_configured(*config.detection, network.graph, generated.input, outputs);
      }
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(detections, 0U);
}

uint32_t files_run() {
  const char* wanted = std::getenv("ZOO_GENERATED_FILES");
  return wanted != nullptr ? static_cast<uint32_t>(std::stoul(wanted)) : kFilesRun;
}

INSTANTIATE_TEST_SUITE_P(Seeds, GeneratedConfigs, ::testing::Range(0U, files_run(), kFilesPerTest),
                         ::testing::PrintToStringParamName());

TEST(GeneratedConfigsOf, EveryFormAreMany) {
  std::map<std::string, int> forms;
  std::map<std::string, int> heads;
  std::map<std::string, int> necks;
  for (uint32_t seed = 0; seed < kFiles; ++seed) {
    const GeneratedConfig config = generate_config(seed);
    ++forms[config.form];
    ++heads[config.head];
    ++necks[config.neck];
  }
  const int share = static_cast<int>(kFiles / backbone_forms().size());
  for (const auto& [form, sketch] : backbone_forms()) EXPECT_GT(forms[form], 3 * share / 4) << form;
  for (const std::string& family : backbones::BackboneRegistry::global().names()) {
    const bool has_form = std::ranges::any_of(forms, [&](const auto& form) { return form.first.starts_with(family); });
    EXPECT_TRUE(has_form) << "no file of " << family << " is generated";
  }
  for (const TaskTraits& task : kTasks) {
    for (const std::string& head : heads::HeadRegistry::global().names(task.task)) EXPECT_GT(heads[head], 100) << head;
  }
  for (const std::string& neck : heads::NeckRegistry::global().names()) EXPECT_GT(necks[neck], 300) << neck;
}

TEST(GeneratedConfigsOf, OneSeedAreTheSame) {
  EXPECT_EQ(generate_config(17).text, generate_config(17).text);
  EXPECT_NE(generate_config(17).text, generate_config(18).text);
}

}  // namespace
}  // namespace zoo::test
