// Sizes for which there is no reference record: the two engines, which share no code below the graph, must agree.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "nn/engine/executable.h"
#include "nn/weights/synthetic.h"
#include "tests/support/compare.h"
#include "tests/support/zoo_networks.h"

namespace zoo {
namespace {

class EngineAgreement : public ::testing::TestWithParam<std::tuple<std::string, Shape>> {};

TEST_P(EngineAgreement, HoldsForEveryOutput) {
  const auto& [file, shape] = GetParam();
  const graph::BoundGraph network = test::formula_network(file, "agreement");
  const Tensor image = weights::formula_input(shape, "agreement");
  const auto run = [&](engine::EngineKind kind) {
    engine::CompileOptions options;
    options.engine = kind;
    const auto executable = engine::Executable::compile(network, shape, options);
    const auto runner = executable->new_runner();
    std::copy(image.data.begin(), image.data.end(), runner->input().begin());
    runner->run();
    std::vector<std::pair<std::string, std::vector<float>>> outputs;
    for (size_t i = 0; i < executable->outputs().size(); ++i) {
      outputs.emplace_back(executable->outputs()[i].name,
                           std::vector<float>(runner->output(i).begin(), runner->output(i).end()));
    }
    return outputs;
  };
  const auto actual = run(engine::EngineKind::kOneDnn);
  const auto expected = run(engine::EngineKind::kReference);
  ASSERT_EQ(actual.size(), expected.size());
  ASSERT_FALSE(actual.empty());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(test::close_to_max(actual[i].second, expected[i].second, 1e-4)) << actual[i].first;
  }
}

std::string case_name(const ::testing::TestParamInfo<EngineAgreement::ParamType>& info) {
  return test::test_name(std::get<0>(info.param)) + "_" + std::get<1>(info.param).to_string();
}

// Detection heads take 40 GMACs and more at the usual sizes, for which plain loops are too slow.
bool detects(const std::string& file) { return file.find("detection") != std::string::npos; }

std::vector<std::string> light_files() {
  std::vector<std::string> files = test::config_files();
  std::erase_if(files, detects);
  return files;
}

std::vector<std::string> mobilenetv3_files() {
  std::vector<std::string> files = light_files();
  std::erase_if(files, [](const std::string& file) { return file.find("v3") == std::string::npos; });
  return files;
}

std::vector<std::string> detectors() {
  std::vector<std::string> files = test::config_files();
  std::erase_if(files, [](const std::string& file) { return !detects(file); });
  return files;
}

INSTANTIATE_TEST_SUITE_P(Configs, EngineAgreement,
                         ::testing::Combine(::testing::ValuesIn(light_files()),
                                            ::testing::Values(Shape{3, 3, 64, 160}, Shape{1, 3, 225, 225},
                                                              Shape{2, 3, 32, 32}, Shape{1, 3, 33, 47})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(Detectors, EngineAgreement,
                         ::testing::Combine(::testing::ValuesIn(detectors()),
                                            ::testing::Values(Shape{2, 3, 32, 32}, Shape{1, 3, 33, 47})),
                         case_name);

INSTANTIATE_TEST_SUITE_P(MobileNetV3, EngineAgreement,
                         ::testing::Combine(::testing::ValuesIn(mobilenetv3_files()),
                                            ::testing::Values(Shape{3, 3, 192, 320})),
                         case_name);

}  // namespace
}  // namespace zoo
