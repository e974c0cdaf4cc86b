// Editing the YAML swaps the network: one program and one picture go through every model file of the zoo.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "pipeline/tasks/rle.h"
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

constexpr size_t kTop = 3;
constexpr int64_t kHeight = 480;
constexpr int64_t kWidth = 640;

std::string task_of(const std::string& model_file) {
  const std::string text = read_text(model_file);
  const std::string key = "task: ";
  const size_t begin = text.find(key) + key.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Throws for null, which stands for what is not finite.
double number(const Json& value) { return value.get<double>(); }

void expect_classes(const Json& line) {
  ASSERT_EQ(line.at("top").size(), kTop);
  double before = 1.0;
  for (const Json& guess : line.at("top")) {
    const double score = number(guess.at("score"));
    EXPECT_TRUE(std::isfinite(score) && score >= 0.0 && score <= before) << line.dump();
    before = score;
  }
}

void expect_boxes(const Json& line) {
  ASSERT_TRUE(line.at("boxes").is_array());
  double before = 1.0;
  for (const Json& object : line.at("boxes")) {
    EXPECT_TRUE(object.at("label").is_string());
    EXPECT_GE(object.at("index").get<int64_t>(), 0);
    const double score = number(object.at("score"));
    EXPECT_TRUE(score >= 0.0 && score <= before) << object.dump();
    before = score;
    const Json& box = object.at("box");
    ASSERT_EQ(box.size(), 4U);
    EXPECT_TRUE(0.0 <= number(box[0]) && number(box[0]) <= number(box[2]) && number(box[2]) <= kWidth) << box.dump();
    EXPECT_TRUE(0.0 <= number(box[1]) && number(box[1]) <= number(box[3]) && number(box[3]) <= kHeight) << box.dump();
  }
}

// Pixels of all classes together.
int64_t pixels_of(const Json& mask) {
  int64_t pixels = 0;
  for (const Json& entry : mask.at("rle")) {
    EXPECT_TRUE(entry.at("label").is_string());
    const std::vector<int64_t> runs = pipeline::expand_runs(entry.at("counts").get<std::string>());
    for (size_t i = 1; i < runs.size(); i += 2) pixels += runs[i];
  }
  return pixels;
}

void expect_mask(const Json& line) {
  const Json& mask = line.at("mask");
  double sum = 0.0;
  for (const auto& [name, share] : mask.at("classes").items()) sum += number(share);
  EXPECT_NEAR(sum * static_cast<double>(kHeight * kWidth), static_cast<double>(pixels_of(mask)), 10.0);
  EXPECT_GT(sum, 0.5) << "no more than a crop cuts off is void";
  EXPECT_LE(sum, 1.0 + 1e-4);
}

class SwapByYaml : public ::testing::TestWithParam<std::string> {};

TEST_P(SwapByYaml, TheSameProgramPredictsTheSamePicture) {
  const std::string file = source_path("configs/" + GetParam());
  const std::string task = task_of(file);
  std::vector<std::string> arguments = {"predict",          file,     "--source", demo_sample("dog.jpg"),
                                        "--random-weights", "--json", "-"};
  if (task == "classification") arguments.insert(arguments.end(), {"--topk", std::to_string(kTop)});
  const ProgramResult result = run_program(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_EQ(lines.size(), 1U) << result.out;
  const Json line = Json::parse(lines[0]);
  EXPECT_EQ(line.at("source"), demo_sample("dog.jpg"));
  EXPECT_EQ(line.at("size"), Json({kHeight, kWidth}));
  EXPECT_EQ(line.contains("top"), task == "classification");
  EXPECT_EQ(line.contains("boxes"), task == "detection");
  EXPECT_EQ(line.contains("mask"), task == "segmentation");
  if (task == "classification") expect_classes(line);
  if (task == "detection") expect_boxes(line);
  if (task == "segmentation") expect_mask(line);
}

INSTANTIATE_TEST_SUITE_P(All, SwapByYaml, ::testing::ValuesIn(model_files()), [](const auto& test) {
  std::string name = test.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(SwapByYamlFiles, AreTheWholeZoo) { EXPECT_GE(model_files().size(), 57U); }

}  // namespace
}  // namespace zoo::test
