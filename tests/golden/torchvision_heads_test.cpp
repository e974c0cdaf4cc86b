// The records of torchvision's detector and segmenters through the real path: model file -> graph -> weights by
// torchvision's names -> engine. They call the levels low, high and out, and list the rows of all levels together.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/model_config.h"
#include "nn/engine/executable.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/support/compare.h"

namespace zoo {
namespace {

const std::filesystem::path kSource = ZOO_SOURCE_DIR;

/// The record's name of a level -> ours.
using LevelNames = std::map<std::string, std::string>;

const std::map<std::string, LevelNames> kRecords = {
    {"lraspp_mobilenet_v3_large", {{"feature.low", "feature.0"}, {"feature.high", "feature.1"}}},
    {"deeplabv3_mobilenet_v3_large", {{"feature.out", "feature.0"}}},
    {"ssdlite320_mobilenet_v3_large",
     {{"feature.0", "feature.0"},
      {"feature.1", "feature.1"},
      {"feature.2", "extra.0"},
      {"feature.3", "extra.1"},
      {"feature.4", "extra.2"},
      {"feature.5", "extra.3"}}}};

std::vector<std::string> record_names() {
  std::vector<std::string> names;
  for (const auto& [name, levels] : kRecords) names.push_back(name);
  return names;
}

nlohmann::json manifest_entry(const std::string& name) {
  std::ifstream stream(kSource / "tests/reference_data/manifest.json");
  const nlohmann::json manifest = nlohmann::json::parse(stream);
  for (const nlohmann::json& model : manifest.at("models")) {
    if (model.at("id") == "torchvision/" + name) return model;
  }
  return {};
}

std::vector<int64_t> integers(const weights::StoredTensor& tensor) {
  std::vector<int64_t> values(tensor.data.size() / sizeof(int64_t));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

/// Raw maps of all levels of one picture as one table of rows.
Tensor joined_rows(const std::map<std::string, Tensor>& outputs, const std::vector<std::string>& names,
                   int64_t columns) {
  Tensor joined{{1, 0, columns}, {}};
  for (const std::string& name : names) {
    const Tensor& map = outputs.at(name);
    std::vector<float> rows(map.data.size());
    heads::rows_from_map(map.data, {map.shape[2], map.shape[3]}, columns, rows);
    joined.shape.dims[1] += static_cast<int64_t>(rows.size()) / columns;
    joined.data.insert(joined.data.end(), rows.begin(), rows.end());
  }
  return joined;
}

Tensor anchors_of(const heads::DetectionDecoding& decoding, const std::map<std::string, Tensor>& outputs,
                  graph::Size2d input) {
  std::vector<graph::Size2d> maps;
  for (const std::string& name : decoding.class_outputs) {
    maps.push_back({outputs.at(name).shape[2], outputs.at(name).shape[3]});
  }
  const std::vector<heads::Box> boxes = decoding.anchors(maps, input);
  Tensor tensor{{static_cast<int64_t>(boxes.size()), 4}, {}};
  for (const heads::Box& box : boxes) tensor.data.insert(tensor.data.end(), {box.x0, box.y0, box.x1, box.y1});
  return tensor;
}

void expect_recorded(const weights::SafetensorsFile& golden, const std::string& name, const Tensor& actual,
                     double tolerance) {
  SCOPED_TRACE(name);
  const weights::StoredTensor* expected = golden.find(name);
  const weights::StoredTensor* shape = golden.find(name + ".shape");
  ASSERT_TRUE(expected != nullptr && shape != nullptr);
  EXPECT_EQ(actual.shape, Shape(integers(*shape)));
  std::vector<float> compared = actual.data;
  if (const weights::StoredTensor* index = golden.find(name + ".index")) {
    compared.clear();
    for (const int64_t at : integers(*index)) compared.push_back(actual.data.at(static_cast<size_t>(at)));
  }
  EXPECT_TRUE(test::close_to_max(compared, weights::to_float(*expected), tolerance));
}

class TorchvisionHeads : public ::testing::TestWithParam<std::tuple<std::string, engine::EngineKind>> {};

TEST_P(TorchvisionHeads, EqualTheirRecords) {
  const auto& [name, engine_kind] = GetParam();
  const nlohmann::json entry = manifest_entry(name);
  const models::ModelConfig config = models::load_model_config(kSource / "configs/torchvision" / (name + ".yaml"));
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  EXPECT_EQ(graph::parameter_count(network.graph), entry.at("params").get<int64_t>());
  const std::string seed = entry.at("seed");
  network.values = weights::formula_values(network.graph.parameters, weights::Ecosystem::kTorchvision,
                                           {seed, entry.at("gain").get<double>()});
  const Shape input(entry.at("input_shape").get<std::vector<int64_t>>());
  const Tensor image = weights::formula_input(input, seed, entry.at("input_scale").get<float>());

  engine::CompileOptions options;
  options.engine = engine_kind;
  const auto executable = engine::Executable::compile(network, input, options);
  const auto runner = executable->new_runner();
  std::copy(image.data.begin(), image.data.end(), runner->input().begin());
  runner->run();
  std::map<std::string, Tensor> outputs;
  for (size_t i = 0; i < executable->outputs().size(); ++i) {
    const std::span<const float> values = runner->output(i);
    outputs[executable->outputs()[i].name] = {executable->outputs()[i].shape, {values.begin(), values.end()}};
  }

  const auto golden = weights::SafetensorsFile::open(kSource / "tests/reference_data" / entry.at("golden"));
  const double tolerance = entry.at("tolerance").at("rel_to_max");
  for (const auto& [theirs, ours] : kRecords.at(name)) expect_recorded(golden, theirs, outputs.at(ours), tolerance);
  if (!config.detection) {
    expect_recorded(golden, "logits", outputs.at("logits"), tolerance);
    return;
  }
  const heads::DetectionDecoding& decoding = *config.detection;
  expect_recorded(golden, "cls_logits", joined_rows(outputs, decoding.class_outputs, decoding.classes), tolerance);
  expect_recorded(golden, "bbox_regression", joined_rows(outputs, decoding.box_outputs, 4), tolerance);
  expect_recorded(golden, "anchors", anchors_of(decoding, outputs, {input[2], input[3]}), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Records, TorchvisionHeads,
                         ::testing::Combine(::testing::ValuesIn(record_names()),
                                            ::testing::Values(engine::EngineKind::kOneDnn,
                                                              engine::EngineKind::kReference)),
                         [](const auto& test) {
                           return fmt::format("{}_{}", std::get<0>(test.param),
                                              engine::to_string(std::get<1>(test.param)));
                         });

}  // namespace
}  // namespace zoo
