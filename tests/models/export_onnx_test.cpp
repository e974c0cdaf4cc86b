// Every network of the zoo as an ONNX file: it passes ONNX's checker and does in OpenCV's dnn module what it does here.
#include "models/export_onnx.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/graph/onnx_export/onnx_export.h"
#include "tests/support/compare.h"
#include "tests/support/opencv_dnn.h"
#include "tests/support/temp_folder.h"
#include "tests/support/zoo_networks.h"

namespace zoo::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kConfigs = ZOO_SOURCE_DIR "/configs/";

/// Large enough for levels of several rows and columns: OpenCV 4.10's depthwise convolutions fail on less.
Shape input_shape(const graph::Graph& graph) {
  const Shape small = {1, graph.in_channels(), 64, 96};
  const std::vector<Shape> shapes = graph::infer_shapes(graph, small);
  const bool has_thin_level = std::ranges::any_of(graph.outputs, [&](const graph::Output& output) {
    const Shape& shape = shapes[static_cast<size_t>(output.node)];
    return shape.rank() == 4 && std::min(shape[2], shape[3]) == 1;
  });
  return has_thin_level ? Shape{1, graph.in_channels(), 544, 576} : small;
}

class ExportedNetwork : public ::testing::TestWithParam<std::string> {};

TEST_P(ExportedNetwork, EqualsTheEngineInOpenCv) {
  const graph::BoundGraph network = test::formula_network(GetParam(), "onnx");
  const Shape shape = input_shape(network.graph);
  const std::string bytes = onnx_export::to_onnx(network, {.input = shape});

  const auto executable = engine::Executable::compile(network, shape);
  const auto runner = executable->new_runner();
  const Tensor image = weights::formula_input(shape, "onnx");
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  const auto results = test::run_in_opencv(bytes, image);
  ASSERT_EQ(results.size(), executable->outputs().size());
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    const auto& [name, expected_shape] = executable->outputs()[i];
    EXPECT_EQ(results.at(name).shape, expected_shape) << name;
    EXPECT_TRUE(test::close_to_max(results.at(name).data, runner->output(i), 1e-4)) << name;
  }
}

std::string case_name(const ::testing::TestParamInfo<std::string>& info) { return test::test_name(info.param); }

INSTANTIATE_TEST_SUITE_P(Configs, ExportedNetwork, ::testing::ValuesIn(test::config_files()), case_name);

std::map<std::string, std::string> metadata_of(const ::onnx::ModelProto& model) {
  std::map<std::string, std::string> metadata;
  for (const auto& entry : model.metadata_props()) metadata[entry.key()] = entry.value();
  return metadata;
}

Model load_random(const std::string& file) {
  LoadModelOptions options;
  options.random_weights = true;
  return Model::load(kConfigs + file, options);
}

TEST(OnnxFile, TellsHowPicturesBecomeItsInput) {
  const Model model = load_random("timm/mobilenetv4_conv_small.yaml");
  const auto proto = test::parse_onnx(to_onnx(model, {.input = {1, 3, 224, 224}, .producer_version = "9.9"}));
  const auto metadata = metadata_of(proto);
  EXPECT_EQ(proto.producer_version(), "9.9");
  EXPECT_EQ(metadata.at("model"), model.config().name);
  EXPECT_EQ(metadata.at("task"), "classification");
  EXPECT_EQ(metadata.at("classes"), "1000");
  const auto preprocess = nlohmann::json::parse(metadata.at("preprocess"));
  EXPECT_EQ(preprocess.at("resize"), 256);
  EXPECT_EQ(preprocess.at("crop"), 224);
  EXPECT_EQ(preprocess.at("interpolation"), "bicubic");
  EXPECT_EQ(preprocess.at("mean").get<std::vector<float>>(), model.config().preprocess.mean);
  EXPECT_EQ(preprocess.at("std").get<std::vector<float>>(), model.config().preprocess.std);
  EXPECT_EQ(preprocess.at("color"), "rgb");
  const auto labels = nlohmann::json::parse(metadata.at("labels")).get<std::vector<std::string>>();
  EXPECT_EQ(labels, model.config().labels);
}

std::vector<std::string> output_names(const Model& model, const OnnxExport& options) {
  std::vector<std::string> names;
  const auto proto = test::parse_onnx(to_onnx(model, options));
  for (const auto& output : proto.graph().output()) names.push_back(output.name());
  return names;
}

TEST(OnnxFile, HandsOutWhatTheHeadDoes) {
  EXPECT_THAT(output_names(load_random("torchvision/lraspp_mobilenet_v3_large.yaml"), {.input = {1, 3, 64, 64}}),
              ElementsAre("logits"));
  const Model detector = load_random("demo/emoji_detection.yaml");
  const auto& decoding = *detector.config().detection;
  const auto names = output_names(detector, {.input = {1, 3, 128, 128}});
  EXPECT_EQ(names.size(), decoding.class_outputs.size() + decoding.box_outputs.size());
  EXPECT_THAT(names, ::testing::IsSupersetOf(decoding.class_outputs));
  EXPECT_THAT(names, ::testing::IsSupersetOf(decoding.box_outputs));
}

TEST(OnnxFile, HandsOutWhatIsAskedFor) {
  EXPECT_THAT(
      output_names(load_random("demo/emoji.yaml"), {.input = {1, 3, 64, 64}, .outputs = {"feature.1", "logits"}}),
      ElementsAre("feature.1", "logits"));
}

TEST(OnnxFile, OfABackboneAloneHandsOutItsLevels) {
  LoadModelOptions options;
  options.random_weights = true;
  const Model backbone = Model::load_backbone(kConfigs + "demo/emoji.yaml", options);
  const auto names = output_names(backbone, {.input = {1, 3, 64, 64}});
  EXPECT_EQ(names.size(), backbone.config().backbone.features.size());
  EXPECT_EQ(names.front(), "feature.0");
}

TEST(OnnxFile, AppearsCompleteOrNotAtAll) {
  const test::TempFolder temp;
  const std::filesystem::path& folder = temp.path();
  const Model model = load_random("demo/emoji.yaml");
  const OnnxExport options{.input = {1, 3, 64, 64}};
  write_onnx(folder / "a.onnx", model, options);
  std::stringstream bytes;
  bytes << std::ifstream(folder / "a.onnx", std::ios::binary).rdbuf();
  EXPECT_EQ(bytes.str(), to_onnx(model, options));
  EXPECT_THROW(write_onnx(folder / "missing" / "a.onnx", model, options), IoError);
  EXPECT_THROW(write_onnx(folder / "b.onnx", model, {.input = {1, 1, 64, 64}}), GraphError);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}

}  // namespace
}  // namespace zoo::models
