// Detector and Segmenter on made-up weights, and what becomes of their results.
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "models/detections.h"
#include "nn/core/error.h"
#include "pipeline/images/image_io.h"
#include "pipeline/preprocess/geometry.h"
#include "pipeline/tasks/detector.h"
#include "pipeline/tasks/runner_cache.h"
#include "pipeline/tasks/segmenter.h"
#include "pipeline/tasks/task_result.h"

namespace zoo::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::string kDemo = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";

std::shared_ptr<const models::Model> load(const std::string& name, std::vector<ConfigOverride> overrides = {}) {
  models::LoadModelOptions options;
  options.random_weights = true;
  options.overrides = std::move(overrides);
  return std::make_shared<const models::Model>(models::Model::load(kDemo + name, options));
}

std::shared_ptr<const models::Model> letterboxed_detector() {
  return load("emoji_detection.yaml", {{"model.postprocessor.params.score_thresh", "0.02"},
                                       {"preprocess", "{letterbox: {size: [128, 160], fill: 114}}"}});
}

TEST(Detector, BringsTheNetworksBoxesBackToThePicture) {
  const auto model = letterboxed_detector();
  const cv::Mat frame = read_image(kDemo + "samples/dog.jpg")(cv::Rect(100, 0, 240, 480));
  const FoundObjects found = Detector(model).detect(frame);

  Preprocessor preprocessor(model->config().preprocess);
  const auto executable = model->compile({1, 3, 128, 160}, {});
  const auto runner = executable->new_runner();
  preprocessor.run(frame, runner->input());
  runner->run();
  const FrameMapping mapping(preprocessor.geometry(frame.rows, frame.cols), frame.size());
  size_t at = 0;
  const models::DetectionReader reader(*model->config().detection, executable);
  for (const heads::Detection& raw : reader.read(*runner, 0)) {
    const heads::Box box = mapping.to_source(raw.box);
    if (box.x0 == box.x1 || box.y0 == box.y1) continue;
    ASSERT_LT(at, found.boxes.size());
    EXPECT_EQ(found.boxes[at].box, box);
    EXPECT_EQ(found.boxes[at].index, raw.label);
    EXPECT_EQ(found.boxes[at].score, raw.score);
    ++at;
  }
  EXPECT_EQ(at, found.boxes.size());
  EXPECT_GT(at, 0U);
  EXPECT_EQ(found.boxes[0].label, label_of(model->config().labels, found.boxes[0].index));
}

TEST(Detector, TakesAnotherScoreThreshold) {
  const auto model = letterboxed_detector();
  const cv::Mat frame = read_image(kDemo + "samples/car.jpg");
  const double best = Detector(model).detect(frame).boxes.at(0).score;
  EXPECT_TRUE(Detector(model, {.score_thresh = best}).detect(frame).boxes.empty());
  EXPECT_FALSE(Detector(model, {.score_thresh = best - 1e-4}).detect(frame).boxes.empty());
}

TEST(Detector, FindsTheSameWhateverTheSizesBefore) {
  const auto model = load("emoji_detection.yaml",
                          {{"model.postprocessor.params.score_thresh", "0.02"}, {"preprocess", "{resize: 96}"}});
  const cv::Mat picture = read_image(kDemo + "samples/dog.jpg");
  Detector detector(model);
  for (int round = 0; round < 2; ++round) {
    for (const int width : {480, 160, 240, 320, 400, 560}) {  // more than a runner cache keeps
      const cv::Mat frame = picture(cv::Rect(40, 0, width, 480));
      const FoundObjects found = detector.detect(frame);
      const FoundObjects expected = Detector(model).detect(frame);
      ASSERT_EQ(found.boxes.size(), expected.boxes.size()) << width;
      ASSERT_FALSE(found.boxes.empty());
      for (size_t i = 0; i < found.boxes.size(); ++i) EXPECT_EQ(found.boxes[i].box, expected.boxes[i].box) << width;
    }
  }
}

TEST(Detector, RefusesOtherTasks) {
  EXPECT_THAT([] { Detector(load("emoji.yaml")); },
              ThrowsMessage<Error>(HasSubstr("emoji.yaml: the model's task is classification, expected detection")));
}

TEST(Segmenter, LabelsEveryPixelOfAnyPicture) {
  Segmenter segmenter(load("emoji_segmentation.yaml"));
  const cv::Mat picture = read_image(kDemo + "samples/dog.jpg");
  for (const cv::Rect part : {cv::Rect(0, 0, 640, 480), cv::Rect(50, 0, 90, 300), cv::Rect(3, 3, 1, 1)}) {
    const Segmentation result = segmenter.segment(picture(part));
    EXPECT_EQ(result.labels.size(), part.size());
    double sum = 0.0;
    for (const ClassShare& present : result.classes) sum += present.share;
    EXPECT_NEAR(sum, 1.0, 1e-9);
  }
}

TEST(Segmenter, RefusesPicturesThatMakeTheInputTooLarge) {
  const auto model = load("emoji_segmentation.yaml", {{"preprocess", "{resize: ~, crop: ~}"}});
  Segmenter segmenter(model, {.network = {.max_input_pixels = 64 * 64}});
  EXPECT_EQ(segmenter.segment(cv::Mat(64, 64, CV_8UC3, cv::Scalar(9))).labels.size(), cv::Size(64, 64));
  EXPECT_THAT([&] { segmenter.segment(cv::Mat(64, 65, CV_8UC3, cv::Scalar(9))); },
              ThrowsMessage<Error>(HasSubstr("here 65x64: more than 4096 pixels; give a fixed size")));
  EXPECT_EQ(segmenter.segment(cv::Mat(32, 128, CV_8UC3, cv::Scalar(9))).labels.size(), cv::Size(128, 32));
  Segmenter fixed(model, {.network = {.input_size = std::array<int64_t, 2>{96, 96}, .max_input_pixels = 64 * 64}});
  EXPECT_EQ(fixed.segment(cv::Mat(64, 65, CV_8UC3, cv::Scalar(9))).labels.size(), cv::Size(65, 64)) << "asked for";
}

TEST(Segmenter, RefusesMoreClassesThanAMapTellsApart) {
  EXPECT_THAT(
      [] {
        Segmenter(load("emoji_segmentation.yaml", {{"model.num_classes", "256"}, {"model.labels", "~"}}));
      },
      ThrowsMessage<Error>(HasSubstr("256 classes, but a label map tells at most 255 apart")));
}

TEST(RunnerCache, KeepsNoMorePixelsThanItMay) {
  RunnerCache cache(load("emoji_segmentation.yaml", {{"preprocess", "{resize: ~, crop: ~}"}}), {}, 1, {}, 128 * 128);
  const auto compiled = [&](int64_t height, int64_t width) {
    return std::weak_ptr<const engine::Executable>(cache.get({1, 3, height, width}).executable);
  };
  const auto small = compiled(64, 64);
  const auto other = compiled(64, 128);
  EXPECT_FALSE(small.expired());
  const auto large = compiled(96, 128);
  EXPECT_TRUE(small.expired());
  EXPECT_TRUE(other.expired());
  const auto largest = compiled(160, 128);  // more than the cache may keep, but somebody wants it
  EXPECT_TRUE(large.expired());
  EXPECT_FALSE(largest.expired());
}

TEST(RunnerCache, SharesWhatIsCompiledWithOthersOfItsModel) {
  const auto model = load("emoji.yaml");
  RunnerCache one(model, {}, 1);
  RunnerCache other(model, {}, 2);  // threads belong to runners
  const RunnerCache::Entry& first = one.get({1, 3, 64, 64});
  const RunnerCache::Entry& second = other.get({1, 3, 64, 64});
  EXPECT_EQ(first.executable, second.executable);
  EXPECT_NE(first.runner, second.runner);
}

TEST(IsBackground, IsClass0CalledSoOrWithoutAName) {
  EXPECT_TRUE(is_background(0, "background"));
  EXPECT_TRUE(is_background(0, "__background__"));
  EXPECT_TRUE(is_background(0, label_of({}, 0)));
  EXPECT_FALSE(is_background(0, "road"));
  EXPECT_FALSE(is_background(1, "background"));
  EXPECT_FALSE(is_background(1, label_of({}, 1)));
}

TEST(MakePredictor, FollowsTheTask) {
  const cv::Mat frame = read_image(kDemo + "samples/dog.jpg");
  const auto result_of = [&](const std::string& name) { return make_predictor(load(name), {})(frame); };
  const TaskResult classes = result_of("emoji.yaml");
  EXPECT_EQ(std::get<Classification>(classes).top.size(), 5U);
  EXPECT_TRUE(std::holds_alternative<FoundObjects>(result_of("emoji_detection.yaml")));
  const TaskResult mask = result_of("emoji_segmentation.yaml");
  EXPECT_EQ(std::get<Segmentation>(mask).labels.size(), frame.size());
  EXPECT_GT(times_of(mask).infer_ms, 0.0);
  for (const TaskResult& result : {classes, mask}) {
    cv::Mat drawn = frame.clone();
    draw_result(drawn, result);
    EXPECT_GT(cv::norm(drawn, frame, cv::NORM_INF), 0.0);
  }
}

}  // namespace
}  // namespace zoo::pipeline
