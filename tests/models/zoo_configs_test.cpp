// Every file of configs/ against what the reference libraries say of that model: tests/reference_data/manifest.json and
// tensors/*.tsv, recorded from timm 1.0.12, torchvision 0.14.1 and NetsPresso Trainer 1.4.1.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/model_config.h"
#include "nn/core/error.h"
#include "nn/graph/graph.h"
#include "nn/weights/name_scheme.h"

namespace zoo::models {
namespace {

namespace fs = std::filesystem;
using weights::Ecosystem;

const fs::path kConfigs = fs::path(ZOO_SOURCE_DIR) / "configs";
const fs::path kReference = fs::path(ZOO_SOURCE_DIR) / "tests" / "reference_data";

std::vector<std::string> configs_in(std::initializer_list<std::string_view> folders) {
  std::vector<std::string> configs;
  for (const std::string_view folder : folders) {
    for (const auto& entry : fs::directory_iterator(kConfigs / folder)) {
      if (entry.path().extension() == ".yaml")
        configs.push_back(fmt::format("{}/{}", folder, entry.path().stem().string()));
    }
  }
  std::sort(configs.begin(), configs.end());
  return configs;
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-' || c == '.'; }, '_');
  return name;
}

ModelConfig load(const std::string& id) { return load_model_config(kConfigs / (id + ".yaml")); }

const nlohmann::json& manifest_entry(const std::string& id) {
  static const nlohmann::json manifest = nlohmann::json::parse(std::ifstream(kReference / "manifest.json"));
  const auto& models = manifest.at("models");
  const auto entry =
      std::find_if(models.begin(), models.end(), [&](const auto& model) { return model.at("id") == id; });
  if (entry == models.end()) throw Error(id + ": no record in tests/reference_data/manifest.json");
  return *entry;
}

// Name -> shape of the floating-point tensors of a reference state dictionary.
std::map<std::string, std::string> reference_tensors(const std::string& id) {
  std::string file = id;
  file.replace(file.find('/'), 1, "__");
  std::ifstream stream(kReference / "tensors" / (file + ".tsv"));
  std::map<std::string, std::string> tensors;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) {
    std::istringstream columns(line);
    std::string name;
    std::string shape;
    std::string type;
    columns >> name >> shape >> type;
    if (type == "F32") tensors[name] = shape;
  }
  return tensors;
}

class ZooConfig : public ::testing::TestWithParam<std::string> {};

// An average pool drops an odd last row or column, so such a network needs a picture that its stride divides.
bool averages(const graph::Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(),
                     [](const graph::Node& node) { return std::holds_alternative<graph::AvgPool2d>(node.op); });
}

TEST_P(ZooConfig, HasTheFeaturesItSaysAtAnySize) {
  const ModelConfig config = load(GetParam());
  const graph::Graph graph = build_graph(config);
  std::map<std::string, graph::NodeId> outputs;
  for (const auto& output : graph.outputs) outputs[output.name] = output.node;
  std::vector<std::pair<int64_t, int64_t>> sizes = {{224, 224}, {64, 160}, {32, 512}};
  if (!averages(graph)) sizes.insert(sizes.end(), {{225, 191}, {33, 97}, {1, 1}});
  for (const auto& [height, width] : sizes) {
    const auto shapes = infer_shapes(graph, {2, 3, height, width});
    const auto shape_of = [&](const std::string& name) { return shapes.at(static_cast<size_t>(outputs.at(name))); };
    const auto expect_level = [&](const std::string& name, const auto& level) {
      const Shape expected = {2, level.channels, (height + level.stride - 1) / level.stride,
                              (width + level.stride - 1) / level.stride};
      EXPECT_EQ(shape_of(name), expected) << name << " at " << height << 'x' << width;
    };
    if (config.task == Task::kClassification) {
      EXPECT_EQ(shape_of("logits"), (Shape{2, config.num_classes}));
    }
    const auto& features = config.backbone.features;
    for (size_t i = 0; i < features.size(); ++i) expect_level(fmt::format("feature.{}", i), features[i]);
    for (size_t i = 0; config.neck && i < config.neck->levels.size(); ++i) {
      expect_level(fmt::format("neck.{}", i), config.neck->levels[i]);
    }
  }
}

TEST_P(ZooConfig, HasAUniqueNameForEveryParameter) {
  const graph::Graph graph = build_graph(load(GetParam()));
  std::map<std::string, int> uses;
  for (const Parameter& parameter : graph.parameters) ++uses[parameter.name];
  for (const auto& [name, count] : uses) EXPECT_EQ(count, 1) << name;
}

INSTANTIATE_TEST_SUITE_P(All, ZooConfig,
                         ::testing::ValuesIn(configs_in({"lucid", "netspresso", "timm", "torchvision"})), test_name);

class ReferenceConfig : public ::testing::TestWithParam<std::string> {};

TEST_P(ReferenceConfig, NamesExactlyTheTensorsOfItsLibrary) {
  const graph::Graph graph = build_graph(load(GetParam()));
  const auto ecosystem = weights::ecosystem_from_name(GetParam().substr(0, GetParam().find('/')));
  ASSERT_TRUE(ecosystem);
  std::map<std::string, std::string> tensors;
  for (const Parameter& parameter : graph.parameters) {
    const auto tensor = weights::expected_tensor(*ecosystem, parameter);
    ASSERT_TRUE(tensor) << parameter.name;
    EXPECT_TRUE(tensors.try_emplace(tensor->name, tensor->shape.to_string()).second) << tensor->name;
  }
  const auto expected = reference_tensors(GetParam());
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(tensors, expected);
}

TEST_P(ReferenceConfig, HasTheCostOfItsReference) {
  const auto& reference = manifest_entry(GetParam());
  const graph::Graph graph = build_graph(load(GetParam()));
  const auto size = reference.at("macs_at").get<int64_t>();
  const auto macs = multiply_accumulates(graph, infer_shapes(graph, {1, 3, size, size}));
  EXPECT_EQ(parameter_count(graph), reference.at("params").get<int64_t>());
  EXPECT_EQ(std::accumulate(macs.begin(), macs.end(), int64_t{0}), reference.at("macs_conv_linear").get<int64_t>());
}

TEST_P(ReferenceConfig, HasTheOutputsOfItsReference) {
  const auto& reference = manifest_entry(GetParam());
  const ModelConfig config = load(GetParam());
  // Those records list the levels under other names and joined: tests/golden compares them.
  if (GetParam().starts_with("torchvision/") && config.task != Task::kClassification) return;
  const graph::Graph graph = build_graph(config);
  const auto shapes = infer_shapes(graph, {1, 3, 224, 224});
  std::map<std::string, std::vector<int64_t>> outputs;
  for (const auto& output : graph.outputs) outputs[output.name] = shapes.at(static_cast<size_t>(output.node)).dims;
  auto expected = reference.at("outputs").get<std::map<std::string, std::vector<int64_t>>>();
  // What is made of the network's outputs, and the order in which the raw maps are listed, is no matter of the graph.
  std::erase_if(expected,
                [](const auto& output) { return output.first == "anchors" || output.first.starts_with("det."); });
  for (size_t i = 0; config.detection && i < config.detection->class_outputs.size(); ++i) {
    const int64_t anchors = config.detection->anchors_per_position[i];
    for (const auto& name : {config.detection->class_outputs[i], config.detection->box_outputs[i]}) {
      const std::vector<int64_t>& map = outputs.at(name);
      outputs.at(name) = {map[0], map[2] * map[3] * anchors, map[1] / anchors};
    }
  }
  EXPECT_EQ(outputs, expected);
}

// The reference lists preprocessing for timm only.
class TimmConfig : public ::testing::TestWithParam<std::string> {};

TEST_P(TimmConfig, PreprocessesAsItsCheckpointWasTrained) {
  const auto& reference = manifest_entry(GetParam());
  const auto& expected = reference.at("preprocess");
  const PreprocessConfig preprocess = load(GetParam()).preprocess;
  const auto crop = expected.at("input_size").at(1).get<int64_t>();
  EXPECT_EQ(preprocess.crop, std::vector<int64_t>{crop});
  EXPECT_EQ(preprocess.resize, std::vector<int64_t>{static_cast<int64_t>(static_cast<double>(crop) /
                                                                         expected.at("crop_pct").get<double>())});
  EXPECT_EQ(preprocess.mean, expected.at("mean").get<std::vector<float>>());
  EXPECT_EQ(preprocess.std, expected.at("std").get<std::vector<float>>());
  EXPECT_EQ(preprocess.interpolation,
            expected.at("interpolation") == "bicubic" ? Interpolation::kBicubic : Interpolation::kBilinear);
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceConfig, ::testing::ValuesIn(configs_in({"netspresso", "timm", "torchvision"})),
                         test_name);

INSTANTIATE_TEST_SUITE_P(All, TimmConfig, ::testing::ValuesIn(configs_in({"timm"})), test_name);

// One per record: tests/golden checks the other direction, too.
TEST(ZooConfigs, AreAllThere) {
  std::vector<std::string> recorded;
  const auto manifest = nlohmann::json::parse(std::ifstream(kReference / "manifest.json"));
  for (const auto& model : manifest.at("models")) recorded.push_back(model.at("id"));
  std::ranges::sort(recorded);
  EXPECT_EQ(configs_in({"netspresso", "timm", "torchvision"}), recorded);
}

TEST(ZooConfigs, WithoutARecordAreNamed) {
  EXPECT_THAT([] { manifest_entry("torchvision/of_tomorrow"); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("torchvision/of_tomorrow: no record")));
}

TEST(LucidConfigs, HaveLucidsParameterCounts) {
  const std::map<std::string, int64_t> expected = {{"lucid/mobilenet", 4'232'008},
                                                   {"lucid/mobilenet_v3_small", 2'537'238},
                                                   {"lucid/mobilenet_v3_large", 5'481'198},
                                                   {"lucid/mobilenet_v4_conv_small", 3'774'024},
                                                   {"lucid/mobilenet_v4_conv_medium", 9'715'512},
                                                   {"lucid/mobilenet_v4_conv_large", 32'590'864},
                                                   {"lucid/mobilenet_v4_hybrid_medium", 11'070'136},
                                                   {"lucid/mobilenet_v4_hybrid_large", 37'755'152}};
  std::map<std::string, int64_t> found;
  for (const std::string& id : configs_in({"lucid"})) found[id] = parameter_count(build_graph(load(id)));
  EXPECT_EQ(found, expected);
}

TEST(LucidConfigs, AreTorchvisionsNetworksWhereSqueezeWidthsAreRounded) {
  for (const char* size : {"small", "large"}) {
    const std::vector<ConfigOverride> rounded = {{"model.architecture.backbone.params.se_divisor", "8"}};
    const auto file = kConfigs / "lucid" / fmt::format("mobilenet_v3_{}.yaml", size);
    const graph::Graph graph = build_graph(load_model_config(file, rounded));
    std::map<std::string, std::string> tensors;
    for (const Parameter& parameter : graph.parameters) {
      const auto tensor = weights::expected_tensor(Ecosystem::kTorchvision, parameter);
      ASSERT_TRUE(tensor) << parameter.name;
      tensors[tensor->name] = tensor->shape.to_string();
    }
    EXPECT_EQ(tensors, reference_tensors(fmt::format("torchvision/mobilenet_v3_{}", size)));
  }
}

TEST(PublishedTrainerFiles, WorkUnchanged) {
  for (const char* size : {"small", "large"}) {
    const std::string id = fmt::format("netspresso/mobilenetv3-{}-classification", size);
    const ModelConfig config = load_model_config(kReference / (id + ".yaml"));
    EXPECT_EQ(config.num_classes, 1000);
    EXPECT_TRUE(config.labels.empty());
    EXPECT_TRUE(config.use_pretrained);
    EXPECT_EQ(parameter_count(build_graph(config)), manifest_entry(id).at("params").get<int64_t>());
    std::vector<std::string> ignored;
    for (const auto& key : config.ignored) ignored.push_back(key.path);
    EXPECT_THAT(ignored, ::testing::UnorderedElementsAre(
                             "model.checkpoint.load_head", "model.checkpoint.optimizer_path", "model.freeze_backbone",
                             "model.postprocessor", "model.losses", "model.architecture.head.params.dropout_prob"));
  }
}

TEST(PublishedTrainerFiles, WorkUnchangedForDetection) {
  const ModelConfig config = load_model_config(kReference / "netspresso/mobilenetv3-small-detection.yaml");
  EXPECT_EQ(config.task, Task::kDetection);
  EXPECT_EQ(config.num_classes, 80);
  EXPECT_EQ(config.neck_name, "fpn");
  EXPECT_EQ(config.head_name, "anchor_decoupled_head");
  ASSERT_TRUE(config.detection);
  EXPECT_EQ(config.detection->postprocess.topk_candidates, 1000);
  EXPECT_EQ(config.detection->postprocess.score_thresh, 0.05);
  EXPECT_EQ(config.detection->postprocess.nms_thresh, 0.45);
  EXPECT_FALSE(config.detection->postprocess.class_agnostic);
  EXPECT_EQ(config.detection->postprocess.max_detections, 0);
  EXPECT_EQ(parameter_count(build_graph(config)), 20'538'908);
  std::vector<std::string> ignored;
  for (const auto& key : config.ignored) ignored.push_back(key.path);
  EXPECT_THAT(ignored, ::testing::UnorderedElementsAre("model.checkpoint.load_head", "model.checkpoint.optimizer_path",
                                                       "model.freeze_backbone", "model.losses"));
}

TEST(PublishedTrainerFiles, WorkUnchangedForSegmentation) {
  const ModelConfig config = load_model_config(kReference / "netspresso/mobilenetv3-small-segmentation.yaml");
  EXPECT_EQ(config.task, Task::kSegmentation);
  EXPECT_EQ(config.num_classes, 21);
  EXPECT_TRUE(config.neck_name.empty());
  EXPECT_EQ(config.head_name, "all_mlp_decoder");
  EXPECT_FALSE(config.detection);
  EXPECT_EQ(parameter_count(build_graph(config)), 1'367'093);
  std::vector<std::string> ignored;
  for (const auto& key : config.ignored) ignored.push_back(key.path);
  EXPECT_THAT(ignored, ::testing::UnorderedElementsAre("model.checkpoint.load_head", "model.checkpoint.optimizer_path",
                                                       "model.freeze_backbone", "model.losses", "model.postprocessor",
                                                       "model.architecture.head.params.classifier_dropout_prob"));
}

}  // namespace
}  // namespace zoo::models
