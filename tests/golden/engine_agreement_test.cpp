// Sizes for which there is no reference record: the two engines, which share no code below the graph, must agree.
#include <filesystem>
#include <tuple>

#include <gtest/gtest.h>

#include "models/model.h"
#include "nn/weights/synthetic.h"
#include "tests/golden/reference_records.h"
#include "tests/support/compare.h"

namespace zoo {
namespace {

std::vector<std::string> config_files() {
  const std::filesystem::path root = std::filesystem::path(ZOO_SOURCE_DIR) / "configs";
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".yaml") files.push_back(std::filesystem::relative(entry.path(), root).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class EngineAgreement : public ::testing::TestWithParam<std::tuple<std::string, Shape>> {};

TEST_P(EngineAgreement, HoldsForEveryOutput) {
  const auto& [file, shape] = GetParam();
  models::LoadModelOptions load;
  load.random_weights = true;
  const models::Model model = models::Model::load(std::filesystem::path(ZOO_SOURCE_DIR) / "configs" / file, load);
  const Tensor image = weights::formula_input(shape, "agreement");
  const auto run = [&](engine::EngineKind kind) {
    engine::CompileOptions options;
    options.engine = kind;
    const auto executable = model.compile(shape, options);
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

INSTANTIATE_TEST_SUITE_P(Configs, EngineAgreement,
                         ::testing::Combine(::testing::ValuesIn(config_files()),
                                            ::testing::Values(Shape{3, 3, 192, 320}, Shape{1, 3, 225, 225},
                                                              Shape{2, 3, 32, 32}, Shape{1, 3, 33, 47})),
                         [](const auto& c) {
                           return test::test_name(std::get<0>(c.param)) + "_" + std::get<1>(c.param).to_string();
                         });

}  // namespace
}  // namespace zoo
