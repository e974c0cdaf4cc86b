// Every backbone of the zoo becomes a detector or a segmenter by YAML: shapes, and both engines agree.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/results.h"
#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/support/compare.h"
#include "tests/support/family_configs.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;

const fs::path kConfigs = fs::path(ZOO_SOURCE_DIR) / "configs";
constexpr int64_t kClasses = 3;

std::string head_test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

std::vector<std::string> classifiers() {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(kConfigs)) {
    if (entry.path().extension() != ".yaml") continue;
    if (load_model_config(entry.path()).task == Task::kClassification) {
      files.push_back(fs::relative(entry.path(), kConfigs).string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Another task for the backbone of a classifier, which the file's own head, labels and answers have to make room for.
std::vector<ConfigOverride> other_task(const std::string& file, const std::string& task) {
  std::vector<ConfigOverride> overrides = {
      {"model.task", task}, {"model.labels", "~"}, {"model.num_classes", fmt::format("{}", kClasses)}};
  for (const char* key : kAnswerKeys) overrides.push_back({fmt::format("model.{}", key), "~"});
  // The one backbone whose trainer returns the last level only unless told otherwise.
  const ModelConfig classifier = load_model_config(kConfigs / file);
  if (!classifier.backbone.levels_key.empty()) {
    overrides.push_back({"model.architecture.backbone.params." + classifier.backbone.levels_key, "[1, 2, 3]"});
  }
  return overrides;
}

// fpn on the last three levels, and one more.
ModelConfig detector(const std::string& file) {
  auto overrides = other_task(file, "detection");
  const ModelConfig classifier = load_model_config(kConfigs / file);
  const size_t levels = classifier.backbone.levels_key.empty() ? classifier.backbone.features.size() : 3;
  overrides.push_back({"model.architecture.neck",
                       fmt::format("{{name: fpn, params: {{num_outs: 4, start_level: {}, add_extra_convs: on_output, "
                                   "relu_before_extra_convs: True}}}}",
                                   levels - 3)});
  overrides.push_back({"model.architecture.head",
                       "{name: anchor_decoupled_head, params: {anchor_sizes: [[32], [64], [128], [256]], "
                       "aspect_ratios: [1.0, 2.0], num_layers: 1}}"});
  return load_model_config(kConfigs / file, overrides);
}

ModelConfig segmenter(const std::string& file) {
  auto overrides = other_task(file, "segmentation");
  overrides.push_back({"model.architecture.head", "{name: all_mlp_decoder, params: {intermediate_channels: 24}}"});
  return load_model_config(kConfigs / file, overrides);
}

Shape shape_of(const graph::Graph& graph, const Shape& input, const std::string& name) {
  const auto output = std::find_if(graph.outputs.begin(), graph.outputs.end(),
                                   [&](const graph::Output& candidate) { return candidate.name == name; });
  return output == graph.outputs.end() ? Shape() : infer_shapes(graph, input)[static_cast<size_t>(output->node)];
}

class AnyBackbone : public ::testing::TestWithParam<std::string> {};

TEST_P(AnyBackbone, BecomesADetector) {
  const ModelConfig config = detector(GetParam());
  const graph::Graph graph = build_graph(config);
  const Shape input = {2, config.backbone.in_channels, 128, 192};
  ASSERT_TRUE(config.neck && config.detection);
  ASSERT_EQ(config.neck->levels.size(), 4U);
  for (size_t i = 0; i < 4; ++i) {
    const auto& level = config.neck->levels[i];
    EXPECT_EQ(level.channels, config.backbone.features.back().channels);
    const int64_t height = (128 + level.stride - 1) / level.stride;
    const int64_t width = (192 + level.stride - 1) / level.stride;
    EXPECT_EQ(shape_of(graph, input, fmt::format("neck.{}", i)), (Shape{2, level.channels, height, width}));
    EXPECT_EQ(shape_of(graph, input, config.detection->class_outputs[i]), (Shape{2, 2 * kClasses, height, width}));
    EXPECT_EQ(shape_of(graph, input, config.detection->box_outputs[i]), (Shape{2, 2 * 4, height, width}));
  }
}

TEST_P(AnyBackbone, BecomesASegmenter) {
  const ModelConfig config = segmenter(GetParam());
  const graph::Graph graph = build_graph(config);
  const Shape input = {2, config.backbone.in_channels, 128, 192};
  const size_t finest = config.backbone.returned_levels.empty() ? 0 : config.backbone.returned_levels.front();
  const Shape feature = shape_of(graph, input, fmt::format("feature.{}", finest));
  EXPECT_EQ(shape_of(graph, input, "logits"), (Shape{2, kClasses, feature[2], feature[3]}));
}

INSTANTIATE_TEST_SUITE_P(Configs, AnyBackbone, ::testing::ValuesIn(classifiers()), head_test_name);

std::vector<std::pair<std::string, Tensor>> run(ModelConfig config, const Shape& input,
                                                engine::EngineKind engine_kind) {
  // The raw maps are what is compared: a threshold may part scores that agree, so here nothing is detected.
  if (config.detection) config.detection->postprocess.score_thresh = 1.0;
  graph::BoundGraph network;
  network.graph = build_graph(config);
  network.values = weights::formula_values(network.graph.parameters, {"level heads", 3.0});
  engine::CompileOptions options;
  options.engine = engine_kind;
  const auto executable = engine::Executable::compile(network, input, options);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(input, "level heads");
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  return collect_results(config, *executable, *runner);
}

void expect_engines_agree(const ModelConfig& config, const Shape& input) {
  const auto fast = run(config, input, engine::EngineKind::kOneDnn);
  const auto slow = run(config, input, engine::EngineKind::kReference);
  ASSERT_EQ(fast.size(), slow.size());
  for (size_t i = 0; i < fast.size(); ++i) {
    EXPECT_EQ(fast[i].first, slow[i].first);
    EXPECT_EQ(fast[i].second.shape, slow[i].second.shape);
    EXPECT_TRUE(test::close_to_max(fast[i].second.data, slow[i].second.data, 1e-4)) << fast[i].first;
  }
}

// One of every family and form.
class OneOfEveryFamily : public ::testing::TestWithParam<std::string> {};

TEST_P(OneOfEveryFamily, DetectsAlikeOnBothEngines) { expect_engines_agree(detector(GetParam()), {2, 3, 33, 47}); }

TEST_P(OneOfEveryFamily, SegmentsAlikeOnBothEngines) { expect_engines_agree(segmenter(GetParam()), {2, 3, 33, 47}); }

INSTANTIATE_TEST_SUITE_P(Configs, OneOfEveryFamily,
                         ::testing::ValuesIn(test::with_every_family(
                             {"demo/emoji.yaml", "lucid/mobilenet.yaml", "lucid/mobilenet_v4_conv_small.yaml",
                              "netspresso/mobilenetv3-small-classification.yaml",
                              "netspresso/mobilenetv4-conv-small-classification.yaml",
                              "netspresso/mobilenetv4-hybrid-medium-classification.yaml", "timm/mobilenetv2_100.yaml",
                              "timm/mobilenetv3_small_050.yaml", "timm/mobilenetv4_conv_blur_medium.yaml",
                              "timm/mobilenetv4_hybrid_medium_075.yaml", "torchvision/mobilenet_v3_small.yaml"})),
                         head_test_name);

// Every option of fpn on one backbone.
class FpnOptions : public ::testing::TestWithParam<std::string> {};

TEST_P(FpnOptions, AgreeOnBothEngines) {
  const std::vector<ConfigOverride> overrides = {
      {"model.task", "detection"},
      {"model.labels", "~"},
      {"model.unknown", "~"},
      {"model.smoothing", "~"},
      {"model.num_classes", "3"},
      {"model.architecture.neck", "{name: fpn, params: " + GetParam() + "}"},
      {"model.architecture.head",
       "{name: anchor_decoupled_head, params: {anchor_sizes: [8, 16, 32], aspect_ratios: [1], num_layers: 1, "
       "norm_type: instance_norm}}"}};
  expect_engines_agree(load_model_config(kConfigs / "demo/emoji.yaml", overrides), {1, 3, 70, 90});
}

INSTANTIATE_TEST_SUITE_P(Options, FpnOptions,
                         ::testing::Values("{num_outs: 3, start_level: 1}", "{num_outs: 3, end_level: 2}",
                                           "{num_outs: 3, start_level: 2}",
                                           "{num_outs: 3, start_level: 3, add_extra_convs: True}",
                                           "{num_outs: 3, start_level: 3, add_extra_convs: on_lateral}",
                                           "{num_outs: 3, start_level: 3, add_extra_convs: on_output, "
                                           "relu_before_extra_convs: True}"));

}  // namespace
}  // namespace zoo::models
