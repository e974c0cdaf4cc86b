// `predict` on pictures.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Json = nlohmann::json;

std::vector<std::string> predict(std::vector<std::string> arguments) {
  std::vector<std::string> result = {"predict", demo_model()};
  result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> result;
  for (const std::string& line : lines_of(text)) result.push_back(Json::parse(line));
  return result;
}

/// PNG signature and header of a picture with 60000 x 60000 pixels and a correct check sum, nothing else.
std::string png_bomb() {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0", 29) +
         std::string("\x0f\xb0\xe2\x15", 4) + std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12);
}

/// One good picture and one of each kind that cannot be read.
class BadImages : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string good = read_text(demo_sample("dog.jpg"));
    write_text(folder_ / "a_good.jpg", good);
    write_text(folder_ / "b_empty.jpg", "");
    write_text(folder_ / "c_text.jpg", "this is not a picture at all\n");
    write_text(folder_ / "d_cut.jpg", good.substr(0, good.size() / 2));
    write_text(folder_ / "e_bomb.png", png_bomb());
    fs::create_symlink(folder_ / "nowhere.jpg", folder_ / "f_missing.jpg");
    write_text(folder_ / "g_good.jpg", good);
    write_text(folder_ / "notes.txt", "not looked at");
    write_text(folder_ / ".hidden.jpg", "not looked at");
  }

  TempFolder folder_;
};

TEST_F(BadImages, AreNamedAndCountedAndTheRestGoesOn) {
  const ProgramResult result = run_program(predict({"-s", folder_.path().string()}));
  EXPECT_EQ(result.exit_code, 3);
  const std::vector<std::string> good = lines_of(result.out);
  ASSERT_THAT(good, SizeIs(3));
  EXPECT_THAT(good[0], AllOf(StartsWith(folder_ / "a_good.jpg"), HasSubstr("dog")));
  EXPECT_THAT(good[1], AllOf(StartsWith(folder_ / "g_good.jpg"), HasSubstr("dog")));
  EXPECT_THAT(good[2], ::testing::MatchesRegex("2 pictures in [0-9.]+ s \\([0-9.]+ pictures/s\\), 5 failed"));
  EXPECT_THAT(lines_of(result.err),
              ElementsAre(AllOf(HasSubstr("b_empty.jpg"), HasSubstr("empty")),
                          AllOf(HasSubstr("c_text.jpg"), HasSubstr("not an image")),
                          AllOf(HasSubstr("d_cut.jpg"), HasSubstr("truncated")),
                          AllOf(HasSubstr("e_bomb.png"), HasSubstr("60000")),
                          AllOf(HasSubstr("f_missing.jpg"), HasSubstr("no such file")),
                          "backbone-zoo: 5 inputs could not be read: 1 missing, 1 empty, 1 not an image, 1 truncated, "
                          "1 too large"));
}

TEST_F(BadImages, AreJsonLinesToo) {
  const ProgramResult result = run_program(predict({"-s", folder_.path().string(), "--json"}));
  EXPECT_EQ(result.exit_code, 3);
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_THAT(lines, SizeIs(7));
  std::map<std::string, std::string> kinds;
  for (const Json& line : lines) {
    if (line.contains("error")) kinds[fs::path(line.at("source").get<std::string>()).filename()] = line.at("kind");
  }
  EXPECT_THAT(kinds, ElementsAre(std::pair("b_empty.jpg", "empty"), std::pair("c_text.jpg", "not_an_image"),
                                 std::pair("d_cut.jpg", "truncated"), std::pair("e_bomb.png", "too_large"),
                                 std::pair("f_missing.jpg", "missing")));
  for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i].at("frame"), i);
}

TEST(PredictImages, OneImageYieldsATable) {
  const ProgramResult result = run_program(predict({"--source", demo_sample("penguin.jpg"), "--topk", "3"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(lines[0], demo_sample("penguin.jpg") + " (640x480)");
  EXPECT_EQ(lines[1], "rank    score  label");
  EXPECT_THAT(lines[2], ::testing::MatchesRegex("   1 +[0-9.]+ %  penguin"));
  EXPECT_THAT(lines[4], StartsWith("   3 "));
}

class Sample : public ::testing::TestWithParam<const char*> {};

TEST_P(Sample, IsRecognisedByTheDemoModel) {
  const ProgramResult result =
      run_program(predict({"-s", demo_sample(std::string(GetParam()) + ".jpg"), "--json", "-"}));
  EXPECT_EQ(result.exit_code, 0);
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_THAT(lines, SizeIs(1));
  std::string label = lines[0].at("top").at(0).at("label");
  std::ranges::replace(label, ' ', '_');
  EXPECT_EQ(label, GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, Sample,
                         ::testing::Values("apple", "butterfly", "car", "dog", "guitar", "ice_cream", "penguin",
                                           "sunflower"),
                         [](const auto& test) { return std::string(test.param); });

TEST(PredictImages, JsonLinesHaveTheDocumentedKeys) {
  TempFolder folder;
  const ProgramResult result =
      run_program(predict({"-s", demo_sample("dog.jpg"), "--topk", "2", "--json", folder / "out.jsonl"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("dog")) << "a JSON file does not replace the text";
  const std::vector<Json> lines = json_lines(read_text(folder / "out.jsonl"));
  ASSERT_THAT(lines, SizeIs(1));
  const Json& line = lines[0];
  EXPECT_EQ(line.at("source"), demo_sample("dog.jpg"));
  EXPECT_EQ(line.at("frame"), 0);
  EXPECT_EQ(line.at("size"), Json({480, 640}));
  ASSERT_EQ(line.at("top").size(), 2U);
  EXPECT_EQ(line.at("top")[0].at("label"), "dog");
  EXPECT_EQ(line.at("top")[0].at("index"), 0);
  EXPECT_GT(line.at("top")[0].at("score").get<double>(), line.at("top")[1].at("score").get<double>());
  for (const char* stage : {"capture", "preprocess", "infer", "draw"}) {
    EXPECT_GE(line.at("ms").at(stage).get<double>(), 0.0) << stage;
  }
}

TEST(PredictImages, PatternAndSeveralSourcesKeepTheirOrder) {
  const ProgramResult result =
      run_program(predict({"-s", demo_sample("penguin.jpg"), source_path("configs/demo/samples/[ab]*.jpg"), "--json"}));
  EXPECT_EQ(result.exit_code, 0);
  std::vector<std::string> names;
  for (const Json& line : json_lines(result.out)) names.push_back(fs::path(line.at("source")).filename());
  EXPECT_THAT(names, ElementsAre("penguin.jpg", "apple.jpg", "butterfly.jpg"));
}

TEST(PredictImages, SaveWritesAnnotatedCopiesOfTheSameNameAndFormat) {
  TempFolder folder;
  const std::string twin = folder / "twin";
  fs::create_directory(twin);
  fs::create_directory(folder / "mine");
  fs::copy_file(demo_sample("dog.jpg"), folder / "mine/dog.jpg");
  fs::copy_file(demo_sample("apple.jpg"), twin + "/dog.jpg");
  cv::imwrite(twin + "/grey.pgm", cv::Mat(50, 60, CV_8UC1, cv::Scalar(80)));
  const std::string saved = folder / "deep/saved";
  const ProgramResult result = run_program(predict({"-s", folder / "mine/dog.jpg", twin, "--save", saved}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("saved " + saved + "/mine/dog.jpg\n"), HasSubstr("saved " + saved + "/twin/dog.jpg\n"),
                    HasSubstr("saved " + saved + "/twin/grey.png\n")));
  const cv::Mat before = cv::imread(demo_sample("dog.jpg"));
  const cv::Mat after = cv::imread(saved + "/mine/dog.jpg");
  ASSERT_EQ(after.size(), before.size());
  const cv::Rect box(0, 0, 60, 30);
  EXPECT_GT(cv::norm(before(box), after(box), cv::NORM_INF), 50.0) << "nothing is drawn";
  EXPECT_EQ(cv::imread(saved + "/twin/dog.jpg").size(), cv::imread(demo_sample("apple.jpg")).size());
}

TEST(PredictImages, RefusesToOverwriteItsInput) {
  TempFolder folder;
  fs::copy_file(demo_sample("apple.jpg"), folder / "apple.jpg");
  const ProgramResult result = run_program(predict({"-s", folder.path().string(), "--save", folder.path().string()}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("sources come from this folder"));
  EXPECT_EQ(read_text(folder / "apple.jpg"), read_text(demo_sample("apple.jpg")));
}

TEST(PredictImages, UnwritableOutputsAreErrorsThatNameThem) {
  TempFolder folder;
  write_text(folder / "file", "x");
  const std::string below = folder / "file/below";
  const ProgramResult save = run_program(predict({"-s", demo_sample("dog.jpg"), "--save", below}));
  EXPECT_EQ(save.exit_code, 1);
  EXPECT_THAT(save.err, HasSubstr(below + ": cannot be made a folder: Not a directory"));
  const ProgramResult json = run_program(predict({"-s", demo_sample("dog.jpg"), "--json", below}));
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_THAT(json.err, HasSubstr(below + ": cannot be written: Not a directory"));
  const ProgramResult full = run_program(predict({"-s", demo_sample("dog.jpg"), "--json", "/dev/full"}));
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_THAT(full.err, HasSubstr("/dev/full: writing failed: No space left on device"));
}

TEST(PredictImages, MissingSourcesAreTold) {
  const ProgramResult image = run_program(predict({"-s", "/nowhere/a.jpg"}));
  EXPECT_EQ(image.exit_code, 3);
  EXPECT_THAT(image.err, HasSubstr("/nowhere/a.jpg"));
  const ProgramResult other = run_program(predict({"-s", "/nowhere/clips"}));
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, HasSubstr("/nowhere/clips: no such file or folder"));
  const ProgramResult pattern = run_program(predict({"-s", "/nowhere/*.jpg"}));
  EXPECT_EQ(pattern.exit_code, 1);
  EXPECT_THAT(pattern.err, HasSubstr("/nowhere/*.jpg: no file matches this pattern"));
  TempFolder folder;
  const ProgramResult empty = run_program(predict({"-s", folder.path().string()}));
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_THAT(empty.err, HasSubstr("the folder holds no images"));
}

TEST(PredictImages, ShowWithoutADisplayExplainsAndGoesOn) {
  const ProgramResult result = run_program(predict({"-s", demo_sample("dog.jpg"), "--show"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("dog"));
  EXPECT_THAT(
      result.err,
      HasSubstr(
          "--show: no display (neither DISPLAY nor WAYLAND_DISPLAY is set; --save writes files instead); going on"));
}

TEST(PredictImages, ShowWithADisplayThatDoesNotAnswerGoesOn) {
  const ProgramResult result = run_program(predict({"-s", demo_sample("dog.jpg"), "--show"}), {"DISPLAY=:4095"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("dog"));
  EXPECT_THAT(result.err, HasSubstr("--show: the display cannot be opened; going on"));
}

TEST(PredictImages, TimingSplitsTheWayToTheFirstResult) {
  const ProgramResult result = run_program(predict({"-s", demo_sample("dog.jpg"), "--timing"}));
  EXPECT_EQ(result.exit_code, 0);
  std::vector<std::string> names;
  double sum = 0.0;
  double total = 0.0;
  for (const std::string& line : lines_of(result.err)) {
    names.push_back(line.substr(0, line.find(' ')));
    const double ms = std::stod(line.substr(line.find(' ')));
    (names.back() == "total" ? total : sum) += ms;
    EXPECT_GE(ms, 0.0) << line;
  }
  EXPECT_THAT(names, ElementsAre("process_start", "configuration", "weights", "compile", "first_frame", "total"));
  EXPECT_NEAR(sum, total, 0.1);
  EXPECT_GT(total, 0.0);
}

TEST(PredictImages, RandomWeightsAndOtherSizesWork) {
  const ProgramResult result =
      run_program({"predict", source_path("configs/timm/mobilenetv3_small_050.yaml"), "--random-weights", "--size",
                   "96x128", "-s", demo_sample("dog.jpg"), "-v", "--threads", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(lines_of(result.out), SizeIs(7));
  EXPECT_THAT(result.err, HasSubstr("random weights"));
}

TEST(PredictImages, NumberOfCoresChangesNothing) {
  const auto rows = [](const std::string& cores) {
    const ProgramResult result = run_program(
        predict({"-s", source_path("configs/demo/samples"), "--threads", cores, "--max-frames", "6", "--json"}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<Json> lines = json_lines(result.out);
    for (Json& line : lines) line.erase("ms");
    return lines;
  };
  const std::vector<Json> one = rows("1");
  EXPECT_THAT(one, SizeIs(6));
  EXPECT_EQ(rows("3"), one);
}

TEST(PredictImages, WithoutAFixedInputSizeEveryPictureHasItsOwn) {
  TempFolder folder;
  for (int i = 0; i < 6; ++i) {
    cv::imwrite(folder / (std::to_string(i) + ".png"), cv::Mat(64 + i, 96, CV_8UC3, cv::Scalar(1, 2, 3)));
  }
  const ProgramResult result = run_program(
      predict({"--set", "preprocess.resize=~", "--set", "preprocess.crop=~", "-s", folder.path().string(), "--json"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(json_lines(result.out), SizeIs(6));
}

TEST(PredictImages, APanoramaFailsAloneWhereThereIsNoFixedInputSize) {
  TempFolder folder;
  cv::imwrite(folder / "a.png", cv::Mat(64, 96, CV_8UC3, cv::Scalar(1, 2, 3)));
  cv::imwrite(folder / "b.png", cv::Mat(20, 4000, CV_8UC3, cv::Scalar(1, 2, 3)));
  cv::imwrite(folder / "c.png", cv::Mat(96, 64, CV_8UC3, cv::Scalar(1, 2, 3)));
  const ProgramResult result = run_program(predict(
      {"--set", "preprocess.resize=520", "--set", "preprocess.crop=~", "-s", folder.path().string(), "--json"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("b.png: "), HasSubstr("here 104000x520: more than 16777216 pixels; give a "
                                                                "fixed size (--size, or preprocess.crop")));
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_TRUE(lines[0].contains("top"));
  EXPECT_EQ(lines[1].at("kind"), "processing");
  EXPECT_TRUE(lines[2].contains("top"));
}

}  // namespace
}  // namespace zoo::test
