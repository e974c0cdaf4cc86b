// NetsPresso Trainer's modules in every form that their conditions allow, small: the trainer numbers the layers that a
// block really has, so each condition moves names. Model files, tensor names and outputs of a float64 run lie in
// tests/reference_data/netspresso_parts, made by the trainer's own code with tools/make_trainer_records.py.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/model_config.h"
#include "models/results.h"
#include "nn/engine/executable.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"
#include "tests/support/compare.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ZOO_SOURCE_DIR) / "tests/reference_data/netspresso_parts";
constexpr double kTolerance = 1e-4;
constexpr weights::Ecosystem kTrainer = weights::Ecosystem::kNetsPresso;

std::vector<std::string> records() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Name and shape of the tensors of the trainer's state dict, but for the counters that only training reads.
std::map<std::string, std::string> recorded_tensors(const std::string& record) {
  std::ifstream stream(kFolder / (record + ".tsv"));
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

class TrainerParts : public ::testing::TestWithParam<std::string> {
 protected:
  models::ModelConfig config() const { return models::load_model_config(kFolder / (GetParam() + ".yaml")); }
};

TEST_P(TrainerParts, HaveTheTrainersNamesAndShapes) {
  const graph::Graph graph = models::build_graph(config());
  std::map<std::string, std::string> tensors;
  for (const Parameter& parameter : graph.parameters) {
    const auto tensor = weights::expected_tensor(kTrainer, parameter);
    ASSERT_TRUE(tensor) << parameter.name;
    tensors[tensor->name] = tensor->shape.to_string();
  }
  EXPECT_EQ(tensors, recorded_tensors(GetParam()));
}

TEST_P(TrainerParts, ComputeWhatTheTrainerComputes) {
  const models::ModelConfig config = this->config();
  graph::BoundGraph network;
  network.graph = models::build_graph(config);
  const auto golden = weights::SafetensorsFile::open(kFolder / (GetParam() + ".safetensors"));
  network.values =
      weights::formula_values(network.graph.parameters, kTrainer, {"dev", std::stod(golden.metadata().at("gain"))});
  const Tensor image = weights::formula_input({1, 3, 64, 64}, "dev");
  for (const auto kind : {engine::EngineKind::kReference, engine::EngineKind::kOneDnn}) {
    engine::CompileOptions options;
    options.engine = kind;
    const auto executable = engine::Executable::compile(network, image.shape, options);
    const auto runner = executable->new_runner();
    std::copy(image.data.begin(), image.data.end(), runner->input().begin());
    runner->run();
    const auto results = models::collect_results(config, *executable, *runner);
    for (const weights::StoredTensor& expected : golden.tensors()) {
      const auto found = std::ranges::find(results, expected.name, &std::pair<std::string, Tensor>::first);
      ASSERT_NE(found, results.end()) << expected.name;
      EXPECT_EQ(found->second.shape, expected.shape) << expected.name;
      EXPECT_TRUE(test::close_to_max(found->second.data, weights::to_float(expected), kTolerance)) << expected.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Records, TrainerParts, ::testing::ValuesIn(records()),
                         [](const auto& c) { return test::test_name(c.param); });

}  // namespace
}  // namespace zoo
