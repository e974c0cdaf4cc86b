// `run` and `preprocess`: raw tensors in and out.
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/weights/safetensors.h"
#include "nn/weights/synthetic.h"
#include "tests/apps/program_runner.h"
#include "tests/support/compare.h"

namespace zoo::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using weights::SafetensorsFile;

std::vector<std::string> tensor_names(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const weights::StoredTensor& tensor : file.tensors()) names.push_back(tensor.name);
  return names;
}

std::vector<float> values(const SafetensorsFile& file, const std::string& name) {
  const weights::StoredTensor* tensor = file.find(name);
  return tensor == nullptr ? std::vector<float>{} : weights::to_float(*tensor);
}

void write_input(const std::string& path, const Shape& shape, const std::string& name = "input") {
  weights::write_safetensors(path, {{name, weights::formula_input(shape, "zoo")}});
}

TEST(Run, WritesEveryOutputAndBothEnginesAgree) {
  TempFolder folder;
  write_input(folder / "in.safetensors", {2, 3, 64, 96});
  for (const char* engine : {"onednn", "reference"}) {
    const ProgramResult result = run_program({"run", demo_model(), "--input", folder / "in.safetensors", "--output",
                                              folder / (std::string(engine) + ".safetensors"), "--engine", engine});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, StartsWith("wrote " + (folder / engine) + ".safetensors: "));
    EXPECT_EQ(result.err, "");
  }
  const auto fast = SafetensorsFile::open(folder / "onednn.safetensors");
  const auto slow = SafetensorsFile::open(folder / "reference.safetensors");
  EXPECT_THAT(tensor_names(fast),
              ::testing::UnorderedElementsAre("logits", "feature.0", "feature.1", "feature.2", "feature.3"));
  EXPECT_EQ(fast.find("logits")->shape, (Shape{2, 64}));
  for (const std::string& name : tensor_names(slow)) {
    EXPECT_TRUE(close_to_max(values(fast, name), values(slow, name), 1e-4)) << name;
  }
}

TEST(Run, WritesOnlyTheOutputsAskedFor) {
  TempFolder folder;
  write_input(folder / "in.safetensors", {1, 3, 64, 64});
  const ProgramResult result = run_program({"run", demo_model(), "-i", folder / "in.safetensors", "-o",
                                            folder / "out.safetensors", "--outputs", "feature.2,logits"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(tensor_names(SafetensorsFile::open(folder / "out.safetensors")),
              ::testing::UnorderedElementsAre("feature.2", "logits"));
}

TEST(Run, WritesTheMapsOfADetectorAsRowsAndItsAnchors) {
  TempFolder folder;
  write_input(folder / "in.safetensors", {2, 3, 64, 96});
  const std::string model = source_path("configs/netspresso/mobilenetv3-small-detection.yaml");
  const ProgramResult result = run_program(
      {"run", model, "--random-weights", "-i", folder / "in.safetensors", "-o", folder / "out.safetensors"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto file = SafetensorsFile::open(folder / "out.safetensors");
  EXPECT_THAT(tensor_names(file),
              ::testing::UnorderedElementsAre(
                  "feature.0", "feature.1", "feature.2", "feature.3", "neck.0", "neck.1", "neck.2", "neck.3",
                  "cls_logits.0", "cls_logits.1", "cls_logits.2", "cls_logits.3", "bbox_regression.0",
                  "bbox_regression.1", "bbox_regression.2", "bbox_regression.3", "anchors", "det.0.boxes",
                  "det.0.scores", "det.0.labels", "det.1.boxes", "det.1.scores", "det.1.labels"));
  EXPECT_EQ(file.find("cls_logits.0")->shape, (Shape{2, 16 * 24 * 3, 80}));
  EXPECT_EQ(file.find("bbox_regression.3")->shape, (Shape{2, 2 * 3 * 3, 4}));
  EXPECT_EQ(file.find("anchors")->shape, (Shape{(16 * 24 + 8 * 12 + 4 * 6 + 2 * 3) * 3, 4}));
}

TEST(Run, WritesNoAnchorsWithoutAllOfTheirLevels) {
  TempFolder folder;
  write_input(folder / "in.safetensors", {1, 3, 32, 32});
  const std::string model = source_path("configs/netspresso/mobilenetv3-small-detection.yaml");
  const ProgramResult result = run_program({"run", model, "--random-weights", "-i", folder / "in.safetensors", "-o",
                                            folder / "out.safetensors", "--outputs", "bbox_regression.1,cls_logits.2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(tensor_names(SafetensorsFile::open(folder / "out.safetensors")),
              ::testing::UnorderedElementsAre("bbox_regression.1", "cls_logits.2"));
}

TEST(Run, WrongInputsAreUsageErrors) {
  TempFolder folder;
  const std::string out = folder / "out.safetensors";
  write_input(folder / "name.safetensors", {1, 3, 32, 32}, "image");
  write_input(folder / "rank.safetensors", {3, 32, 32});
  write_input(folder / "channels.safetensors", {1, 4, 32, 32});
  write_input(folder / "good.safetensors", {1, 3, 32, 32});
  write_text(folder / "broken.safetensors", "no tensors here");
  const auto run = [&](const std::string& input, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"run", demo_model(), "-i", input, "-o", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments);
    EXPECT_EQ(result.exit_code, 2) << input;
    return result.err;
  };
  EXPECT_THAT(run(folder / "name.safetensors"), HasSubstr("name.safetensors: there is no tensor \"input\""));
  EXPECT_THAT(run(folder / "rank.safetensors"), HasSubstr("tensor \"input\" is 3x32x32, expected Nx3xHxW"));
  EXPECT_THAT(run(folder / "channels.safetensors"), HasSubstr("tensor \"input\" is 1x4x32x32, expected Nx3xHxW"));
  EXPECT_THAT(run(folder / "broken.safetensors"), HasSubstr("broken.safetensors"));
  EXPECT_THAT(run(folder / "nowhere.safetensors"), HasSubstr("nowhere.safetensors"));
  EXPECT_THAT(run(folder / "good.safetensors", {"--outputs", "logit"}),
              HasSubstr("--outputs logit: no such output; the network has logits, feature.0"));
}

TEST(Run, UnwritableOutputIsARunTimeFailure) {
  TempFolder folder;
  write_input(folder / "in.safetensors", {1, 3, 32, 32});
  const ProgramResult result =
      run_program({"run", demo_model(), "-i", folder / "in.safetensors", "-o", "/nowhere/out.safetensors"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/out.safetensors"));
}

TEST(Preprocess, WritesTheInputTensorAndComparesWithAReference) {
  TempFolder folder;
  const std::string out = folder / "out.safetensors";
  const ProgramResult written = run_program({"preprocess", demo_model(), "-s", demo_sample("dog.jpg"), "-o", out});
  ASSERT_EQ(written.exit_code, 0) << written.err;
  const auto file = SafetensorsFile::open(out);
  ASSERT_NE(file.find("input"), nullptr);
  EXPECT_EQ(file.find("input")->shape, (Shape{1, 3, 112, 112}));

  const ProgramResult same = run_program({"preprocess", demo_model(), "-s", demo_sample("dog.jpg"), "--compare", out});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "max_abs_difference 0\nmean_abs_difference 0\ndiffering_values 0 of 37632\n");

  Tensor changed{{1, 3, 112, 112}, values(file, "input")};
  changed.data[(1 * 112 + 2) * 112 + 3] += 0.5F;
  weights::write_safetensors(folder / "changed.safetensors", {{"input", changed}});
  const ProgramResult differs = run_program(
      {"preprocess", demo_model(), "-s", demo_sample("dog.jpg"), "--compare", folder / "changed.safetensors"});
  EXPECT_EQ(differs.exit_code, 0);
  EXPECT_THAT(differs.out, HasSubstr("max_abs_difference 0.5"));
  EXPECT_THAT(differs.out, HasSubstr("differing_values 1 of 37632"));
  EXPECT_THAT(differs.out, HasSubstr("worst_at channel 1, row 2, column 3: "));
}

TEST(Preprocess, OtherShapeThanTheReferenceIsAFailure) {
  TempFolder folder;
  write_input(folder / "ref.safetensors", {1, 3, 64, 64});
  const ProgramResult result =
      run_program({"preprocess", demo_model(), "-s", demo_sample("dog.jpg"), "--compare", folder / "ref.safetensors"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("tensor \"input\" is 1x3x64x64, the image became 1x3x112x112"));
  const ProgramResult fits = run_program({"preprocess", demo_model(), "-s", demo_sample("dog.jpg"), "--compare",
                                          folder / "ref.safetensors", "--size", "64"});
  EXPECT_EQ(fits.exit_code, 0);
}

TEST(Preprocess, UnreadableImageIsARunTimeFailure) {
  const ProgramResult result =
      run_program({"preprocess", demo_model(), "-s", "/nowhere/a.jpg", "-o", "/nowhere/out.safetensors"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/a.jpg"));
}

}  // namespace
}  // namespace zoo::test
