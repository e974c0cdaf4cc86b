// `eval` from end to end: the demo classifier on its samples, and small detectors and segmenters with made-up weights,
// whose own predictions are the ground truth, so that every figure is known.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/images/mask_png.h"
#include "tests/apps/program_runner.h"
#include "tests/apps/tiny_models.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr double kTolerance = 1e-9;

/// Runs of `eval` with the result as JSON.
class Eval : public ::testing::Test {
 protected:
  ProgramResult eval(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "eval");
    return run_program(arguments);
  }

  Json json_of(std::vector<std::string> arguments, int exit_code = 0) const {
    arguments.emplace_back("--json");
    const ProgramResult result = eval(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    return Json::parse(result.out);
  }

  TempFolder folder_;
};

/// Demo samples in folders of their classes.
class EvalClasses : public Eval {
 protected:
  void SetUp() override {
    for (const char* name : {"apple", "butterfly", "car", "dog", "guitar", "ice_cream", "penguin", "sunflower"}) {
      const std::string label = std::string(name) == "ice_cream" ? "ice cream" : name;
      add(label, std::string(name) + ".jpg");
    }
  }

  void add(const std::string& folder, const std::string& sample) const {
    fs::create_directories(data() + "/" + folder);
    fs::copy_file(demo_sample(sample), data() + "/" + folder + "/" + sample);
  }

  std::string data() const { return folder_ / "data"; }
};

TEST_F(EvalClasses, CountsRightGuesses) {
  const Json right = json_of({demo_model(), "--data", data()});
  EXPECT_EQ(right.at("task"), "classification");
  EXPECT_EQ(right.at("pictures"), 8);
  EXPECT_EQ(right.at("metrics").at("top1"), 1.0);
  EXPECT_THAT(right.at("failed"), IsEmpty());
  add("cat", "dog.jpg");  // a dog that the data set calls a cat
  add("0", "apple.jpg");  // class 0 is the dog
  const Json wrong = json_of({demo_model(), "--data", data()});
  EXPECT_EQ(wrong.at("pictures"), 10);
  EXPECT_NEAR(wrong.at("metrics").at("top1"), 0.8, kTolerance);
  EXPECT_NEAR(wrong.at("classes")[0].at("top1"), 0.5, kTolerance);
  EXPECT_NEAR(wrong.at("metrics").at("class_mean"), (7.0 + 0.5 + 0.0) / 9.0, kTolerance);
  EXPECT_THAT(wrong.at("confusion"), ::testing::Contains(Json({1, 0, 1}))) << "cat taken for dog";
}

TEST_F(EvalClasses, SaysTheSameWhateverTheNumberOfThreads) {
  add("cat", "dog.jpg");
  const Json one = json_of({demo_model(), "--data", data(), "--threads", "1"});
  EXPECT_EQ(json_of({demo_model(), "--data", data(), "--threads", "3"}), one);
  EXPECT_EQ(json_of({demo_model(), "--data", data()}), one);
}

TEST_F(EvalClasses, SaysTheSameWhateverTheKernels) {
  add("cat", "dog.jpg");
  const Json chosen = json_of({demo_model(), "--data", data()});
  EXPECT_EQ(json_of({demo_model(), "--data", data(), "--kernels", "direct_conv", "--isa", "sse"}), chosen);
  const ProgramResult unknown = eval({demo_model(), "--data", data(), "--kernels", "none_such"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no convolution of this network has a kernel \"none_such\""));
}

TEST_F(EvalClasses, CompactLayersAreComparedWithFullOnes) {
  const ProgramResult result = eval({demo_model(), "--data", data(), "--compact-layers"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("agreement of f32, compact layers, with f32 100.00 % (8 of 8)"));
  EXPECT_FALSE(json_of({demo_model(), "--data", data()}).contains("agreement_with_f32"));
}

TEST_F(EvalClasses, WritesATableAJsonFileAndAPicture) {
  add("cat", "dog.jpg");
  const ProgramResult result =
      eval({demo_model(), "--data", data(), "--json", folder_ / "out.json", "--confusion", folder_ / "confusion.png"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("9 pictures"), HasSubstr("top-1             88.89 %"),
                                HasSubstr("cat (taken for dog 1)")));
  EXPECT_THAT(result.err, IsEmpty()) << "no progress without a terminal";
  EXPECT_EQ(Json::parse(read_text(folder_ / "out.json")).at("pictures"), 9);
  const cv::Mat picture = cv::imread(folder_ / "confusion.png");
  EXPECT_GT(picture.rows, 64 * 15);
}

TEST_F(EvalClasses, UnreadablePicturesAreNamedAndCountNowhere) {
  write_text(data() + "/dog/empty.png", "");
  write_text(data() + "/dog/text.jpg", "no picture");
  const ProgramResult result = eval({demo_model(), "--data", data(), "--json"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("dog/empty.png"), HasSubstr("dog/text.jpg"),
                                HasSubstr("2 of 10 pictures failed and count in no figure")));
  const Json document = Json::parse(result.out);
  EXPECT_EQ(document.at("pictures"), 8);
  EXPECT_EQ(document.at("metrics").at("top1"), 1.0);
  ASSERT_THAT(document.at("failed"), SizeIs(2));
  EXPECT_EQ(document.at("failed")[0].at("source"), data() + "/dog/empty.png");
}

TEST_F(EvalClasses, LimitTakesPicturesFromTheWholeSet) {
  const Json document = json_of({demo_model(), "--data", data(), "--limit", "2"});
  EXPECT_EQ(document.at("pictures"), 2);
  EXPECT_THAT(document.at("confusion"), SizeIs(2)) << "two classes";
}

TEST_F(EvalClasses, WhatMakesNoSenseIsRefused) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), demo_model());
    const ProgramResult result = eval(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({}, "--data is required");
  refused({"--data", folder_ / "none"}, "no such folder; expected a folder of pictures per class");
  refused({"--data", data(), "--annotations", "x.json"},
          "--annotations: only for models of task detection; this one is classification");
  refused({"--data", data(), "--score-thresh", "0.5"}, "--score-thresh: only for models of task detection");
  refused({"--data", data(), "--confusion", folder_ / "x.jpg"}, "expected a name in .png");
  refused({"--data", data(), "--confusion", folder_ / "none/x.png"}, "there is no folder");
  refused({"--data", data(), "--class-order", "sorted"}, "there are 8 folders, but the model has 64 classes");
  refused({"--data", data(), "--class-order", "labels"}, "--class-order: labels not in {names,sorted}");
  add("ice_craem", "ice_cream.jpg");
  refused({"--data", data()}, "the model has no class \"ice_craem\"; did you mean \"ice cream\"?");
}

TEST_F(EvalClasses, FoldersOfTheDemosRendererAreTaken) {
  fs::remove_all(data());
  add("00_dog", "dog.jpg");
  add("soccer_ball", "apple.jpg");
  const Json document = json_of({demo_model(), "--data", data()});
  EXPECT_EQ(document.at("pictures"), 2);
  EXPECT_EQ(document.at("metrics").at("top1"), 0.5);
}

TEST_F(EvalClasses, ImageNetsFoldersAreTaken) {
  const std::string folder = data() + "/n02123045";
  fs::remove_all(data());
  fs::create_directories(folder);
  fs::copy_file(demo_sample("apple.jpg"), folder + "/ILSVRC2012_val_00000293.JPEG");
  const Json document = json_of(
      {source_path("configs/timm/mobilenetv3_small_050.yaml"), "--random-weights", "--size", "64", "--data", data()});
  EXPECT_EQ(document.at("pictures"), 1);
  EXPECT_EQ(document.at("classes")[281].at("label"), "tabby");
  EXPECT_EQ(document.at("classes")[281].at("pictures"), 1);
}

TEST_F(EvalClasses, SortedFoldersAreClassesByTheirPlace) {
  write_text(folder_ / "labels.txt", "ant\nbee\n");
  std::string model =
      tiny_model("classification", "    head: {name: fc, params: {num_layers: 1}}\n", "{resize: 64, crop: 64}");
  model.replace(model.find("num_classes: 3"), 14, "num_classes: 2");
  write_text(folder_ / "model.yaml", model);
  fs::remove_all(data());
  add("zebra", "dog.jpg");
  add("apple", "apple.jpg");
  const Json document =
      json_of({folder_ / "model.yaml", "--random-weights", "--data", data(), "--class-order", "sorted"});
  EXPECT_EQ(document.at("pictures"), 2);
  std::vector<int64_t> truths;
  for (const Json& row : document.at("classes")) truths.push_back(row.at("pictures"));
  EXPECT_EQ(truths, (std::vector<int64_t>{1, 1}));
}

TEST_F(EvalClasses, FilesThatAreNoPicturesAreCounted) {
  write_text(data() + "/labels.tsv", "");
  write_text(data() + "/dog/notes.txt", "");
  fs::create_directories(data() + "/dog/sub");
  write_text(data() + "/dog/sub/film.gif", "");
  fs::copy_file(demo_sample("dog.jpg"), data() + "/dog/sub/dog.jpg");
  const Json document = json_of({demo_model(), "--data", data()});
  EXPECT_EQ(document.at("pictures"), 9);
  EXPECT_EQ(document.at("left_out"), 3);
  EXPECT_THAT(eval({demo_model(), "--data", data()}).out,
              HasSubstr("9 pictures, 3 files left out (no pictures, or in no class's folder)"));
}

TEST_F(EvalClasses, ASignalEndsItCleanly) {
  const fs::path many = data() + "/dog";
  for (int i = 0; i < 20000; ++i) fs::create_symlink(demo_sample("dog.jpg"), many / (std::to_string(i) + ".jpg"));
  RunningProgram program({"eval", demo_model(), "--data", data(), "--json", folder_ / "out.json"});
  // The part of the document is there once signals are caught; its name only when it is whole.
  const fs::path out = fs::path(folder_ / "out.json").parent_path();
  const auto has_begun = [&out] {
    return std::ranges::any_of(fs::directory_iterator(out),
                               [](const auto& entry) { return entry.path().extension() == ".part"; });
  };
  for (int i = 0; i < 6000 && !has_begun(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  program.send(SIGINT);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, AllOf(HasSubstr("stopped after"), HasSubstr("of 20008 pictures")));
  EXPECT_THAT(result.out, IsEmpty()) << "no figures of a part that chance decides";
}

/// Two pictures and a model that is made of its task's lines.
class EvalTask : public Eval {
 protected:
  void SetUp() override {
    write_text(folder_ / "labels.txt", kTinyLabels);
    fs::create_directories(folder_ / "data/images");
    const cv::Mat picture = cv::imread(demo_sample("dog.jpg"));
    cv::imwrite(folder_ / "data/images/a.png", picture(cv::Rect(0, 0, 400, 200)));
    cv::imwrite(folder_ / "data/images/b.png", picture(cv::Rect(100, 50, 150, 300)));
  }

  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {folder_ / "model.yaml", "--random-weights", "--data", folder_ / "data"});
    return more;
  }

  void predict(std::vector<std::string> more) const {
    more.insert(more.begin(), {"predict", folder_ / "model.yaml", "--random-weights", "-s", folder_ / "data/images"});
    const ProgramResult result = run_program(more);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
};

class EvalBoxes : public EvalTask {
 protected:
  void SetUp() override {
    EvalTask::SetUp();
    write_text(folder_ / "model.yaml", tiny_detector(0.05, kTinyLetterbox));
    predict({"--json", folder_ / "found.jsonl"});
    truth_ = {{"images", Json::array()},
              {"annotations", Json::array()},
              {"categories",
               {{{"id", 11}, {"name", "dog"}}, {{"id", 7}, {"name", "cat"}}, {{"id", 3}, {"name", "background"}}}}};
    const std::map<std::string, int> category = {{"background", 3}, {"cat", 7}, {"dog", 11}};
    int image = 0;
    for (const std::string& line : lines_of(read_text(folder_ / "found.jsonl"))) {
      const Json frame = Json::parse(line);
      truth_["images"].push_back({{"id", ++image},
                                  {"file_name", fs::path(frame.at("source").get<std::string>()).filename().string()},
                                  {"width", frame.at("size")[1]},
                                  {"height", frame.at("size")[0]}});
      for (const Json& object : frame.at("boxes")) {
        const auto box = object.at("box").get<std::vector<double>>();
        const double width = box[2] - box[0];
        const double height = box[3] - box[1];
        ASSERT_GT(width * height, 4.0) << "the 1x1 boxes below must not fit it";
        add(image, category.at(object.at("label")), {box[0], box[1], width, height});
      }
    }
    ASSERT_GT(truth_.at("annotations").size(), 4U);
  }

  void add(int image, int category, const std::vector<double>& box) {
    truth_["annotations"].push_back(
        {{"image_id", image}, {"category_id", category}, {"bbox", box}, {"iscrowd", 0}, {"area", box[2] * box[3]}});
  }

  void write_truth() const { write_text(folder_ / "data/annotations.json", truth_.dump()); }

  Json truth_;
};

TEST_F(EvalBoxes, ItsOwnBoxesAreAllRight) {
  write_truth();
  const Json document = json_of(arguments());
  EXPECT_EQ(document.at("task"), "detection");
  for (const char* name : {"AP", "AP50", "AP75", "AR100"})
    EXPECT_NEAR(document.at("metrics").at(name), 1.0, kTolerance) << name;
  EXPECT_EQ(document.at("objects"), truth_.at("annotations").size());
  EXPECT_THAT(eval(arguments()).out,
              AllOf(HasSubstr("2 pictures, categories by name"), HasSubstr("AP               100.00 %")));
}

TEST_F(EvalBoxes, ObjectsThatAreNotFoundCostTheirShare) {
  const Json before = truth_;
  for (const Json& row : before.at("annotations")) add(row.at("image_id"), row.at("category_id"), {0, 0, 1, 1});
  write_truth();
  const Json metrics = json_of(arguments()).at("metrics");
  EXPECT_NEAR(metrics.at("AP"), 51.0 / 101.0, kTolerance) << "precision 1 up to a recall of one half";
  EXPECT_NEAR(metrics.at("AR100"), 0.5, kTolerance);
  truth_ = before;
  for (const Json& row : before.at("annotations")) {
    add(row.at("image_id"), row.at("category_id"), {0, 0, 1, 1});
    truth_["annotations"].back()["iscrowd"] = 1;
  }
  write_truth();
  EXPECT_NEAR(json_of(arguments()).at("metrics").at("AP"), 1.0, kTolerance) << "crowds need not be found";
}

TEST_F(EvalBoxes, SaysTheSameWhateverTheNumberOfThreads) {
  add(1, 7, {10, 10, 50, 50});
  write_truth();
  const Json one = json_of(arguments({"--threads", "1"}));
  EXPECT_LT(one.at("metrics").at("AP").get<double>(), 1.0);
  EXPECT_EQ(json_of(arguments({"--threads", "3"})), one);
}

TEST_F(EvalBoxes, ThresholdsAndOtherFilesAreHonoured) {
  write_text(folder_ / "other.json", truth_.dump());
  const Json none = json_of(arguments({"--annotations", folder_ / "other.json", "--score-thresh", "1"}));
  EXPECT_NEAR(none.at("metrics").at("AP"), 0.0, kTolerance);
}

TEST_F(EvalBoxes, PicturesOfAnotherSizeThanTheirAnnotationsFail) {
  truth_["images"][0]["width"] = 401;
  write_truth();
  const ProgramResult result = eval(arguments());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("a.png: the picture is 400x200, but its annotations are for 401x200"));
}

TEST_F(EvalBoxes, WrongAnnotationsAreLocated) {
  truth_["categories"][0]["name"] = "dgo";
  write_truth();
  const ProgramResult result = eval(arguments({"--confusion", folder_ / "x.png"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--confusion: only for models of task classification or segmentation"));
  const ProgramResult located = eval(arguments());
  EXPECT_EQ(located.exit_code, 2);
  EXPECT_THAT(located.err,
              HasSubstr("annotations.json:1: categories[0]: the model has no class \"dgo\"; did you mean"));
}

class EvalMasks : public EvalTask {
 protected:
  void SetUp() override {
    EvalTask::SetUp();
    write_text(folder_ / "model.yaml", tiny_segmenter(kTinyLetterbox));
    predict({"--masks", folder_ / "data/masks"});
  }

  std::string mask(const std::string& name) const { return folder_ / ("data/masks/" + name + ".png"); }
};

TEST_F(EvalMasks, ItsOwnMasksAreAllRight) {
  const Json metrics = json_of(arguments()).at("metrics");
  EXPECT_NEAR(metrics.at("mean_iou"), 1.0, kTolerance);
  EXPECT_NEAR(metrics.at("pixel_accuracy"), 1.0, kTolerance);
  cv::Mat labels = pipeline::read_mask_png(mask("a"));
  labels(cv::Rect(0, 0, 200, 200)).setTo(255);
  pipeline::write_mask_png(mask("a"), labels);
  const Json document = json_of(arguments());
  EXPECT_NEAR(document.at("metrics").at("mean_iou"), 1.0, kTolerance) << "void does not count";
  int64_t pixels = 0;
  for (const Json& row : document.at("classes")) pixels += row.at("truth").get<int64_t>();
  EXPECT_EQ(pixels, 200 * 200 + 150 * 300);
  EXPECT_NEAR(document.at("metrics").at("void_share"), 200.0 * 200.0 / (400.0 * 200.0 + 150.0 * 300.0), kTolerance);
  EXPECT_EQ(document.at("left_out"), 0);
}

TEST_F(EvalMasks, MasksOfBlackAndWhiteAreToldAsSuch) {
  EXPECT_THAT(eval(arguments()).out, Not(HasSubstr("void")));
  for (const auto& [name, height, width] : {std::tuple{"a", 200, 400}, {"b", 300, 150}}) {
    cv::Mat labels(height, width, CV_8UC1, cv::Scalar(0));
    labels(cv::Rect(0, 0, width / 2, height)).setTo(255);
    pipeline::write_mask_png(mask(name), labels);
  }
  const ProgramResult result = eval(arguments());
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("void              50.00 %   pixels of the masks that count in no figure"));
  EXPECT_THAT(result.err, HasSubstr("the masks hold nothing but 0 and 255, and 255 is void"));
}

TEST_F(EvalMasks, WrongPixelsCostTheirShare) {
  const cv::Mat found = pipeline::read_mask_png(mask("a"));
  const cv::Mat other = pipeline::read_mask_png(mask("b"));
  cv::Mat truth = found.clone();
  for (int y = 0; y < 120; ++y) {
    for (int x = 0; x < truth.cols; ++x)
      truth.at<uint8_t>(y, x) = static_cast<uint8_t>((found.at<uint8_t>(y, x) + 1) % 3);
  }
  pipeline::write_mask_png(mask("a"), truth);
  const Json document = json_of(arguments({"--confusion", folder_ / "confusion.png"}));
  double sum = 0.0;
  int present = 0;
  for (int index = 0; index < 3; ++index) {
    const double both = cv::countNonZero((found == index) & (truth == index)) + cv::countNonZero(other == index);
    const double either = cv::countNonZero((found == index) | (truth == index)) + cv::countNonZero(other == index);
    const Json& iou = document.at("classes")[static_cast<size_t>(index)].at("iou");
    if (either == 0.0) continue;
    EXPECT_NEAR(iou.get<double>(), both / either, kTolerance);
    sum += both / either;
    ++present;
  }
  EXPECT_NEAR(document.at("metrics").at("mean_iou"), sum / present, kTolerance);
  EXPECT_NEAR(document.at("metrics").at("pixel_accuracy"), 1.0 - 120.0 * 400.0 / (400.0 * 200.0 + 150.0 * 300.0),
              kTolerance);
  EXPECT_EQ(json_of(arguments({"--threads", "1"})), json_of(arguments({"--threads", "3"})));
  EXPECT_FALSE(cv::imread(folder_ / "confusion.png").empty());
}

TEST_F(EvalMasks, MasksThatDoNotFitFail) {
  pipeline::write_mask_png(mask("a"), cv::Mat(100, 100, CV_8UC1, cv::Scalar(1)));
  pipeline::write_mask_png(mask("b"), cv::Mat(300, 150, CV_8UC1, cv::Scalar(3)));
  const ProgramResult result = eval(arguments());
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("a.png: the mask is 100x100, but its picture is 400x200"),
                                HasSubstr("b.png: there is a label 3, but the model has the classes 0 to 2")));
  EXPECT_THAT(result.out, HasSubstr("mean IoU                -"));
  fs::remove(mask("b"));
  EXPECT_EQ(eval(arguments()).exit_code, 2);
}

}  // namespace
}  // namespace zoo::test
