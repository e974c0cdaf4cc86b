// One picture, two ways to the logits: Pillow and NumPy make the tensor and `run` computes; `predict` does all of it.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "nn/weights/safetensors.h"
#include "tests/apps/program_runner.h"
#include "tests/support/compare.h"

namespace zoo::test {
namespace {

constexpr int kClasses = 64;
const std::string kFolder = ZOO_SOURCE_DIR "/tests/reference_data/parity/";
// As in tools/make_parity_fixture.py.
const std::vector<std::string> kSize = {"--set", "preprocess.resize=64", "--set", "preprocess.crop=56"};

TEST(PictureParity, PredictGivesTheLogitsOfPillowNumPyAndRun) {
  TempFolder folder;
  const std::string output = folder / "out.safetensors";
  const ProgramResult run =
      run_program({"run", demo_model(), "--input", kFolder + "input.safetensors", "--output", output});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto file = weights::SafetensorsFile::open(output);
  const std::vector<float> expected = weights::to_float(*file.find("logits"));
  ASSERT_EQ(expected.size(), static_cast<size_t>(kClasses));

  std::vector<std::string> arguments = {
      "predict", demo_model(), "--source", kFolder + "picture.png", "--json", "--topk", std::to_string(kClasses)};
  arguments.insert(arguments.end(), kSize.begin(), kSize.end());
  const ProgramResult predicted = run_program(arguments);
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  std::vector<float> logits(kClasses);
  const nlohmann::json line = nlohmann::json::parse(predicted.out);
  for (const auto& guess : line.at("top")) {
    logits.at(guess.at("index").get<size_t>()) = guess.at("logit").get<float>();
  }
  EXPECT_TRUE(close_to_max(logits, expected, 1e-4));
}

TEST(PictureParity, PreprocessEqualsPillowAndNumPyBitForBit) {
  std::vector<std::string> arguments = {
      "preprocess", demo_model(), "--source", kFolder + "picture.png", "--compare", kFolder + "input.safetensors"};
  arguments.insert(arguments.end(), kSize.begin(), kSize.end());
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "max_abs_difference 0\nmean_abs_difference 0\ndiffering_values 0 of 9408\n");
}

}  // namespace
}  // namespace zoo::test
