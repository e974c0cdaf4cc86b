// `predict` and `run` with detectors and segmenters: small networks with made-up weights, so that every path is walked
// and every number can be checked for form, not for sense.
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "nn/weights/safetensors.h"
#include "pipeline/images/palette.h"
#include "pipeline/tasks/rle.h"
#include "tests/apps/program_runner.h"
#include "tests/apps/tiny_models.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Json = nlohmann::json;

/// Model files, one landscape and one portrait picture.
class Tasks : public ::testing::Test {
 protected:
  void SetUp() override {
    write_text(folder_ / "labels.txt", kTinyLabels);
    write_text(folder_ / "detector.yaml", tiny_detector(0.3, kTinyLetterbox));
    write_text(folder_ / "segmenter.yaml", tiny_segmenter(kTinyLetterbox));
    fs::create_directory(folder_ / "pictures");
    const cv::Mat picture = cv::imread(demo_sample("dog.jpg"));
    cv::imwrite(folder_ / "pictures/a.png", picture(cv::Rect(0, 0, 400, 200)));
    cv::imwrite(folder_ / "pictures/b.png", picture(cv::Rect(100, 50, 150, 300)));
  }

  ProgramResult predict(const std::string& model, std::vector<std::string> arguments) const {
    std::vector<std::string> all = {"predict", folder_ / model, "--random-weights"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(all);
  }

  std::string pictures() const { return folder_ / "pictures"; }

  std::vector<Json> json_lines(const std::string& text) const {
    std::vector<Json> result;
    for (const std::string& line : lines_of(text)) result.push_back(Json::parse(line));
    return result;
  }

  TempFolder folder_;
};

TEST_F(Tasks, LabelsThatCannotBeDrawnAreNamedOnce) {
  // Private characters of the last plane: icon fonts take those of the first.
  write_text(folder_ / "labels.txt", "background\n\U00100801\n\U00100802\n");
  const std::string problem = "cannot be drawn whole";
  ProgramResult result = predict("detector.yaml", {"-s", pictures(), "--save", folder_ / "out"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("2 of 3 labels " + problem));
  EXPECT_EQ(result.err.find(problem), result.err.rfind(problem));
  result = predict("detector.yaml", {"-s", pictures()});
  EXPECT_THAT(result.err, Not(HasSubstr(problem))) << "nothing is drawn";
}

TEST_F(Tasks, TablesHaveEveryPicture) {
  write_text(folder_ / "pictures/c.png", "no picture");
  const ProgramResult boxes = predict("detector.yaml", {"-s", pictures(), "--csv", folder_ / "boxes.csv", "-q"});
  EXPECT_EQ(boxes.exit_code, 3);
  EXPECT_EQ(boxes.out, "");
  const std::vector<std::string> lines = lines_of(read_text(folder_ / "boxes.csv"));
  EXPECT_EQ(lines.front(), "source,frame,time_s,index,label,score,x0,y0,x1,y1,error");
  EXPECT_THAT(lines[1], StartsWith(pictures() + "/a.png,0,0,"));
  EXPECT_THAT(lines.back(), StartsWith(pictures() + "/c.png,2,,,,,,,,,"));
  const ProgramResult classes = predict("segmenter.yaml", {"-s", pictures() + "/a.png", "--csv", "-"});
  EXPECT_EQ(classes.exit_code, 0);
  EXPECT_THAT(classes.out, StartsWith("source,frame,time_s,index,label,share,error\n" + pictures() + "/a.png,0,0,"));
  const ProgramResult both = predict("segmenter.yaml", {"-s", pictures(), "--csv", "-", "--json"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.err, HasSubstr("--json and --csv both go to standard output"));
}

TEST_F(Tasks, SubfoldersAreWorkedOnWhereTheyAreAskedFor) {
  fs::create_directory(folder_ / "pictures/sub");
  fs::rename(folder_ / "pictures/b.png", folder_ / "pictures/sub/b.png");
  EXPECT_THAT(lines_of(predict("detector.yaml", {"-s", pictures(), "--json"}).out), SizeIs(1));
  const ProgramResult all =
      predict("detector.yaml", {"-s", pictures(), "--recursive", "--json", "--save", folder_ / "out"});
  EXPECT_THAT(lines_of(all.out), SizeIs(2));
  EXPECT_TRUE(fs::exists(folder_ / "out/a.png"));
  EXPECT_TRUE(fs::exists(folder_ / "out/sub/b.png"));
}

TEST_F(Tasks, BoxesLieInsideTheirPictures) {
  const ProgramResult result = predict("detector.yaml", {"-s", pictures(), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<Json> lines = json_lines(result.out);
  ASSERT_THAT(lines, SizeIs(2));
  for (const Json& line : lines) {
    const double height = line.at("size")[0];
    const double width = line.at("size")[1];
    ASSERT_FALSE(line.at("boxes").empty());
    double last = 1.0;
    for (const Json& object : line.at("boxes")) {
      const auto box = object.at("box").get<std::vector<double>>();
      ASSERT_THAT(box, SizeIs(4));
      EXPECT_TRUE(0.0 <= box[0] && box[0] < box[2] && box[2] <= width) << object;
      EXPECT_TRUE(0.0 <= box[1] && box[1] < box[3] && box[3] <= height) << object;
      const double score = object.at("score");
      EXPECT_GT(score, 0.299999);
      EXPECT_LE(score, last);
      last = score;
      const std::vector<std::string> labels = {"background", "cat", "dog"};
      EXPECT_EQ(object.at("label"), labels.at(object.at("index")));
    }
  }
}

TEST_F(Tasks, ScoreThresholdLeavesOutBoxes) {
  const auto count = [&](const std::string& threshold) {
    const ProgramResult result =
        predict("detector.yaml", {"-s", pictures() + "/a.png", "--json", "--score-thresh", threshold});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out).at("boxes").size();
  };
  EXPECT_GT(count("0.3"), count("0.6"));
  EXPECT_EQ(count("1"), 0U);
}

TEST_F(Tasks, CocoFileHoldsTheSameBoxes) {
  const ProgramResult result =
      predict("detector.yaml", {"-s", pictures(), "--json", folder_ / "out.jsonl", "--coco", folder_ / "coco.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json coco = Json::parse(read_text(folder_ / "coco.json"));
  size_t at = 0;
  int image = 0;
  for (const Json& line : json_lines(read_text(folder_ / "out.jsonl"))) {
    ++image;
    for (const Json& object : line.at("boxes")) {
      const Json& entry = coco.at(at++);
      EXPECT_EQ(entry.at("image_id"), image);
      EXPECT_EQ(entry.at("file_name"), line.at("source"));
      EXPECT_EQ(entry.at("category_id"), object.at("index"));
      EXPECT_NEAR(entry.at("bbox")[0].get<double>() + entry.at("bbox")[2].get<double>(),
                  object.at("box")[2].get<double>(), 1e-3);
    }
  }
  EXPECT_EQ(at, coco.size());
}

TEST_F(Tasks, EmptyCocoFileIsAnEmptyList) {
  const ProgramResult result =
      predict("detector.yaml", {"-s", pictures(), "--score-thresh", "1", "--coco", folder_ / "coco.json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(read_text(folder_ / "coco.json")), Json::array());
  std::vector<std::string> lines = lines_of(result.out);
  ASSERT_FALSE(lines.empty());
  EXPECT_THAT(lines.back(), HasSubstr(" pictures in "));
  lines.pop_back();
  EXPECT_THAT(lines, ::testing::Each(HasSubstr("nothing")));
}

TEST_F(Tasks, CocoFileIsWholeWhereTheRunBreaks) {
  const ProgramResult result =
      predict("detector.yaml", {"-s", pictures(), "--json", "/dev/full", "--coco", folder_ / "coco.json"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("/dev/full: writing failed"));
  EXPECT_FALSE(fs::exists(folder_ / "coco.json")) << "nothing was added to it";
}

TEST_F(Tasks, MasksArePalettePicturesOfTheSourceSize) {
  const ProgramResult result = predict("segmenter.yaml", {"-s", pictures(), "--masks", folder_ / "masks", "--json",
                                                          folder_ / "out.jsonl", "--save", folder_ / "saved"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("saved 2 masks in " + (folder_ / "masks")));
  std::set<std::vector<int>> colors;
  for (int i = 0; i < 3; ++i) {
    const pipeline::Rgb& color = pipeline::voc_palette()[static_cast<size_t>(i)];
    colors.insert({color.b, color.g, color.r});
  }
  for (const Json& line : json_lines(read_text(folder_ / "out.jsonl"))) {
    const std::string file = line.at("mask").at("file");
    EXPECT_EQ(file, folder_ / ("masks/" + fs::path(line.at("source").get<std::string>()).filename().string()));
    const cv::Mat mask = cv::imread(file);
    EXPECT_EQ(mask.rows, line.at("size")[0]);
    EXPECT_EQ(mask.cols, line.at("size")[1]);
    std::set<std::vector<int>> seen;
    for (int y = 0; y < mask.rows; ++y) {
      for (int x = 0; x < mask.cols; ++x) {
        const auto& pixel = mask.at<cv::Vec3b>(y, x);
        seen.insert({pixel[0], pixel[1], pixel[2]});
      }
    }
    EXPECT_THAT(seen, IsSubsetOf(colors));
    double sum = 0.0;
    for (const auto& [name, share] : line.at("mask").at("classes").items()) sum += share.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
  EXPECT_TRUE(fs::exists(folder_ / "saved/a.png"));
}

TEST_F(Tasks, RunLengthsCoverThePictureOnce) {
  const ProgramResult result =
      predict("segmenter.yaml", {"-s", pictures() + "/a.png", "--json", "--coco", folder_ / "coco.json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json line = Json::parse(result.out);
  int64_t pixels = 0;
  for (const Json& entry : line.at("mask").at("rle")) {
    const std::vector<int64_t> runs = pipeline::expand_runs(entry.at("counts").get<std::string>());
    for (size_t i = 1; i < runs.size(); i += 2) pixels += runs[i];
  }
  EXPECT_EQ(pixels, 400 * 200);
  const Json coco = Json::parse(read_text(folder_ / "coco.json"));
  ASSERT_EQ(coco.size(), line.at("mask").at("rle").size());
  EXPECT_EQ(coco[0].at("segmentation").at("size"), Json({200, 400}));
  EXPECT_EQ(coco[0].at("segmentation").at("counts"), line.at("mask").at("rle")[0].at("counts"));
}

TEST_F(Tasks, WhatACropCutsOffIsVoid) {
  write_text(folder_ / "cropping.yaml", tiny_segmenter("{resize: 64, crop: 64}"));
  const ProgramResult result =
      predict("cropping.yaml", {"-s", pictures() + "/a.png", "--json", "--masks", folder_ / "m"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json mask = Json::parse(result.out).at("mask");
  double sum = 0.0;
  for (const auto& [name, share] : mask.at("classes").items()) sum += share.get<double>();
  EXPECT_NEAR(sum, 0.5, 1e-5) << "the middle square of a picture of 2 to 1";
  const cv::Mat picture = cv::imread(mask.at("file").get<std::string>());
  EXPECT_EQ(picture.at<cv::Vec3b>(100, 10), cv::Vec3b(192, 224, 224));
}

TEST_F(Tasks, VideosKeepEveryFrame) {
  const std::string clip = demo_sample("clip.mp4");
  const ProgramResult boxes = predict(
      "detector.yaml", {"-s", clip, "--max-frames", "6", "--save", folder_ / "saved", "--json", folder_ / "out.jsonl"});
  EXPECT_EQ(boxes.exit_code, 0) << boxes.err;
  EXPECT_THAT(json_lines(read_text(folder_ / "out.jsonl")), SizeIs(6));
  EXPECT_TRUE(fs::exists(folder_ / "saved/clip.mp4") || fs::exists(folder_ / "saved/clip.avi"));
  const ProgramResult masks =
      predict("segmenter.yaml", {"-s", clip, "--max-frames", "3", "--masks", folder_ / "masks"});
  EXPECT_EQ(masks.exit_code, 0) << masks.err;
  for (const char* name : {"clip_000000.png", "clip_000001.png", "clip_000002.png"}) {
    EXPECT_TRUE(fs::exists(fs::path(folder_ / "masks") / name)) << name;
  }
}

TEST_F(Tasks, OnePictureYieldsATable) {
  const std::vector<std::string> boxes = lines_of(predict("detector.yaml", {"-s", pictures() + "/a.png"}).out);
  ASSERT_GT(boxes.size(), 2U);
  EXPECT_THAT(boxes[0], AllOf(HasSubstr("a.png"), HasSubstr("(400x200)")));
  EXPECT_EQ(boxes[1], "   score        x0       y0       x1       y1  label");
  const std::vector<std::string> shares = lines_of(predict("segmenter.yaml", {"-s", pictures() + "/a.png"}).out);
  ASSERT_GT(shares.size(), 2U);
  EXPECT_EQ(shares[1], "   share  label");
}

TEST_F(Tasks, FlagsOfOtherTasksAreRefused) {
  const auto refused = [&](const std::string& model, std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.end(), {"-s", pictures()});
    const ProgramResult result = predict(model, arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused("detector.yaml", {"--topk", "3"}, "--topk: only for models of task classification; this one is detection");
  refused("detector.yaml", {"--masks", folder_ / "m"}, "--masks: only for models of task segmentation");
  refused("segmenter.yaml", {"--score-thresh", "0.5"},
          "--score-thresh: only for models of task classification or detection");
  const ProgramResult result =
      run_program({"predict", demo_model(), "-s", demo_sample("dog.jpg"), "--coco", folder_ / "x.json"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              HasSubstr("--coco: only for models of task detection or segmentation; this one is classification"));
  EXPECT_FALSE(fs::exists(folder_ / "x.json"));
}

TEST_F(Tasks, RunWritesTheDetectionsOfEveryImage) {
  Tensor input{{2, 3, 64, 96}, std::vector<float>(size_t{2} * 3 * 64 * 96)};
  for (size_t i = 0; i < input.data.size(); ++i) input.data[i] = static_cast<float>(i * 7919 % 1000) / 500.0F - 1.0F;
  weights::write_safetensors(folder_ / "in.safetensors", {{"input", input}});
  const ProgramResult result = run_program({"run", folder_ / "detector.yaml", "--random-weights", "-i",
                                            folder_ / "in.safetensors", "-o", folder_ / "out.safetensors"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto file = weights::SafetensorsFile::open(folder_ / "out.safetensors");
  for (const std::string image : {"det.0", "det.1"}) {
    ASSERT_NE(file.find(image + ".boxes"), nullptr);
    const Shape boxes = file.find(image + ".boxes")->shape;
    EXPECT_GT(boxes[0], 0);
    EXPECT_EQ(boxes, (Shape{boxes[0], 4}));
    EXPECT_EQ(file.find(image + ".scores")->shape, (Shape{boxes[0]}));
    EXPECT_EQ(file.find(image + ".labels")->shape, (Shape{boxes[0]}));
  }
  EXPECT_EQ(file.find("det.2.boxes"), nullptr);
}

}  // namespace
}  // namespace zoo::test
