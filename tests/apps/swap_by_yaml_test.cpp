// Editing the YAML swaps the network: one program and one picture go through every model file of the zoo.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::vector<std::string> model_files() {
  const fs::path root = source_path("configs");
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".yaml") files.push_back(fs::relative(entry.path(), root).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class SwapByYaml : public ::testing::TestWithParam<std::string> {};

TEST_P(SwapByYaml, TheSameProgramPredictsTheSamePicture) {
  constexpr size_t kTop = 3;
  const ProgramResult result =
      run_program({"predict", source_path("configs/" + GetParam()), "--source", demo_sample("dog.jpg"),
                   "--random-weights", "--topk", std::to_string(kTop), "--json", "-"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 1U) << result.out;
  const Json line = Json::parse(lines[0]);
  EXPECT_EQ(line.at("source"), demo_sample("dog.jpg"));
  EXPECT_EQ(line.at("size"), Json({480, 640}));
  ASSERT_EQ(line.at("top").size(), kTop);
  double before = 1.0;
  for (const Json& guess : line.at("top")) {
    const double score = guess.at("score").get<double>();  // throws for null, which stands for what is not finite
    EXPECT_TRUE(std::isfinite(score) && score >= 0.0 && score <= before) << line.dump();
    before = score;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SwapByYaml, ::testing::ValuesIn(model_files()), [](const auto& test) {
  std::string name = test.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(SwapByYamlFiles, AreTheWholeZoo) { EXPECT_GE(model_files().size(), 43U); }

}  // namespace
}  // namespace zoo::test
