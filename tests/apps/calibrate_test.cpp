// `calibrate`, and what `--precision int8` and `auto` make of its table.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "nn/engine/executable.h"
#include "tests/apps/program_runner.h"
#include "tests/apps/tiny_models.h"
#include "tests/support/demo_model.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

/// A copy of the demo model with its weights, so that tables may be written beside them.
class Calibrate : public ::testing::Test {
 protected:
  void SetUp() override {
    copy_demo_classifier(folder_.path());
    for (const char* name : {"apple", "dog", "car"}) {
      const std::string label = folder_ / (std::string("pictures/") + name);
      fs::create_directories(label);
      fs::copy_file(demo_sample(std::string(name) + ".jpg"), label + "/1.jpg");
    }
  }

  std::string model() const { return folder_ / "emoji.yaml"; }
  std::string pictures() const { return folder_ / "pictures"; }
  std::string table() const { return folder_ / "emoji.safetensors.calibration.yaml"; }

  TempFolder folder_;
};

TEST_F(Calibrate, WritesATableBesideTheCheckpoint) {
  const ProgramResult result = run_program({"calibrate", model(), "--data", pictures()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::MatchesRegex(".*emoji.safetensors.calibration.yaml: ranges of [0-9]+ values from "
                                                  "3 pictures\n"));
  const std::string text = read_text(table());
  EXPECT_THAT(text, HasSubstr("method: percentile"));
  EXPECT_THAT(text, HasSubstr("images: 3"));
  EXPECT_THAT(text, HasSubstr("backbone.stem.act: ["));
}

TEST_F(Calibrate, SaysItInJson) {
  const std::string output = folder_ / "other.yaml";
  const ProgramResult result = run_program({"calibrate", model(), "--data", pictures(), "--images", "2", "--method",
                                            "minmax", "--output", output, "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("output"), output);
  EXPECT_EQ(json.at("pictures"), 2);
  EXPECT_GT(json.at("values"), 36);
  EXPECT_EQ(json.at("method"), "minmax");
  EXPECT_FALSE(fs::exists(table()));
}

TEST_F(Calibrate, GoesOnWithoutUnreadablePictures) {
  write_text(pictures() + "/broken.jpg", "no picture");
  const ProgramResult result = run_program({"calibrate", model(), "--data", pictures()});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("1 of 4 pictures could not be read and count in no range"));
  EXPECT_THAT(read_text(table()), HasSubstr("images: 3"));
}

TEST_F(Calibrate, RefusesWhatHasNoPictures) {
  fs::create_directories(folder_ / "empty");
  const ProgramResult empty = run_program({"calibrate", model(), "--data", folder_ / "empty"});
  EXPECT_EQ(empty.exit_code, 2);
  EXPECT_THAT(empty.err, HasSubstr("there are no pictures in it"));
  const ProgramResult missing = run_program({"calibrate", model(), "--data", folder_ / "nowhere"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("there is no such folder"));
}

TEST_F(Calibrate, LooksThroughEveryFolderOnce) {
  const std::string loops = folder_ / "loops";
  for (const char* name : {"a", "b"}) {
    fs::create_directories(loops + "/" + name);
    fs::create_directory_symlink("..", loops + "/" + name + "/loop");
  }
  fs::copy_file(demo_sample("apple.jpg"), loops + "/a/apple.jpg");
  const ProgramResult result = run_program({"calibrate", model(), "--data", loops});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("from 1 picture\n"));
}

TEST_F(Calibrate, RandomWeightsNeedAnOutput) {
  const ProgramResult result = run_program({"calibrate", model(), "--data", pictures(), "--random-weights"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("give --output"));
}

TEST_F(Calibrate, ExportsTheRangesToOtherRuntimes) {
  const std::string onnx = folder_ / "emoji.onnx";
  const std::vector<std::string> arguments = {"export", model(), "--onnx", onnx, "--precision", "int8"};
  const ProgramResult without = run_program(arguments);
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, HasSubstr("`backbone-zoo calibrate "));
  ASSERT_EQ(run_program({"calibrate", model(), "--data", pictures()}).exit_code, 0);
  const ProgramResult with = run_program(arguments);
  EXPECT_EQ(with.exit_code, 0) << with.err;
  // Weights are a byte each; in f32 the file has over two megabytes.
  EXPECT_LT(fs::file_size(onnx), 900'000U);
  EXPECT_THAT(read_text(onnx), HasSubstr("QuantizeLinear"));
}

/// Runs that need the int8 kernels.
class Int8 : public Calibrate {
 protected:
  void SetUp() override {
    const auto why = engine::why_unavailable(engine::Precision::kInt8);
    if (!why.empty()) GTEST_SKIP() << why;
    Calibrate::SetUp();
  }
};

TEST_F(Int8, WithoutATableSaysWhatMakesIt) {
  const ProgramResult result =
      run_program({"predict", model(), "--source", demo_sample("dog.jpg"), "--precision", "int8"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "backbone-zoo: " + table() +
                            ": there is no such file; int8 needs the ranges of this model's values: `backbone-zoo "
                            "calibrate " +
                            model() + " --data DIR` makes it from your pictures\n");
}

TEST_F(Int8, NamesTheSampleAndAgreesWithF32) {
  ASSERT_EQ(run_program({"calibrate", model(), "--data", pictures()}).exit_code, 0);
  const ProgramResult predicted =
      run_program({"predict", model(), "--source", demo_sample("dog.jpg"), "--precision", "int8"});
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_THAT(predicted.out, HasSubstr("dog"));

  const ProgramResult evaluated = run_program({"eval", model(), "--data", pictures(), "--precision", "int8", "--json"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const Json json = Json::parse(evaluated.out);
  EXPECT_EQ(json.at("precision"), "int8");
  EXPECT_EQ(json.at("agreement_with_f32").at("total"), 3);
  EXPECT_EQ(json.at("agreement_with_f32").at("share"), 1.0);
  EXPECT_THAT(run_program({"eval", model(), "--data", pictures(), "--precision", "int8"}).out,
              HasSubstr("agreement of int8 with f32 100.00 % (3 of 3)   pictures, best guess"));
}

TEST_F(Int8, RefusesTheTableOfOtherWeights) {
  ASSERT_EQ(
      run_program({"calibrate", model(), "--data", pictures(), "--random-weights", "--output", table()}).exit_code, 0);
  const ProgramResult result =
      run_program({"predict", model(), "--source", demo_sample("dog.jpg"), "--precision", "int8"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("calibration.fingerprint: made for another network or other weights"));
}

TEST_F(Int8, AutoSaysWhatItChose) {
  const std::vector<std::string> predict = {"predict",     model(), "--source", demo_sample("dog.jpg"),
                                            "--precision", "auto"};
  const ProgramResult without = run_program(predict);
  EXPECT_EQ(without.exit_code, 0) << without.err;
  EXPECT_THAT(without.err, HasSubstr("no int8: the network has not been calibrated"));
  ASSERT_EQ(run_program({"calibrate", model(), "--data", pictures()}).exit_code, 0);
  const ProgramResult with = run_program(predict);
  EXPECT_EQ(with.exit_code, 0) << with.err;
  EXPECT_THAT(with.err, ::testing::MatchesRegex(".* was the fastest( when it was measured)?: f32 .*, int8 .*\n"));
  EXPECT_THAT(with.out, HasSubstr("dog"));
}

TEST_F(Int8, DetectorsAndSegmentersAgreeWithF32) {
  const std::vector<std::string> scene = {"--data", source_path("configs/demo/samples/scenes")};
  for (const char* name : {"emoji_detection", "emoji_segmentation"}) {
    const std::string file = source_path(std::string("configs/demo/") + name + ".yaml");
    const std::string output = folder_ / (std::string(name) + ".yaml");
    ASSERT_EQ(run_program({"calibrate", file, "--data", scene[1], "--output", output}).exit_code, 0);
    const ProgramResult result =
        run_program({"predict", file, "--source", scene[1], "--precision", "int8", "--calibration", output});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
}

}  // namespace
}  // namespace zoo::test
