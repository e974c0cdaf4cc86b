#include "pipeline/tasks/classifier.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/images/image_io.h"

namespace zoo::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(TopClasses, AreSortedLabelledProbabilities) {
  const std::vector<float> logits = {1.0F, 3.0F, 2.0F};
  const auto top = top_classes(logits, {"a", "b", "c"}, 2);
  ASSERT_THAT(top, SizeIs(2));
  const double sum = std::exp(1.0) + std::exp(3.0) + std::exp(2.0);
  EXPECT_EQ(top[0].index, 1);
  EXPECT_EQ(top[0].label, "b");
  EXPECT_NEAR(top[0].score, std::exp(3.0) / sum, 1e-12);
  EXPECT_EQ(top[1].index, 2);
  EXPECT_NEAR(top[1].score, std::exp(2.0) / sum, 1e-12);
}

TEST(TopClasses, SurviveLargeScores) {
  const std::vector<float> logits = {3e38F, -3e38F, 3e38F};
  const auto top = top_classes(logits, {}, 3);
  ASSERT_THAT(top, SizeIs(3));
  EXPECT_EQ(top[0].index, 0) << "equal scores: lower index first";
  EXPECT_DOUBLE_EQ(top[0].score, 0.5);
  EXPECT_DOUBLE_EQ(top[1].score, 0.5);
  EXPECT_DOUBLE_EQ(top[2].score, 0.0);
  EXPECT_EQ(top[2].label, "class 1");
}

TEST(TopClasses, NeverMoreThanThereAre) {
  EXPECT_THAT(top_classes(std::vector<float>{1.0F}, {}, 5), SizeIs(1));
  EXPECT_THAT(top_classes(std::vector<float>{1.0F}, {}, 0), IsEmpty());
}

TEST(TopClasses, RefuseScoresThatAreNoNumbers) {
  for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
    EXPECT_THROW(top_classes(std::vector<float>{1.0F, bad}, {}, 1), EngineError) << bad;
  }
}

TEST(WithInputSize, KeepsTheRatioOfResizeAndCrop) {
  models::PreprocessConfig config;
  config.resize = {256};
  config.crop = {224};
  const auto larger = with_input_size(config, {280, 280});
  EXPECT_THAT(larger.resize, ElementsAre(320));
  EXPECT_THAT(larger.crop, ElementsAre(280, 280));
  const auto wide = with_input_size(config, {112, 224});
  EXPECT_THAT(wide.resize, ElementsAre(256));
  EXPECT_THAT(wide.crop, ElementsAre(112, 224));
}

TEST(WithInputSize, WithoutCropResizesExactly) {
  models::PreprocessConfig config;
  config.crop = {};
  EXPECT_THAT(with_input_size(config, {96, 128}).resize, ElementsAre(96, 128));
  config.resize = {200, 100};
  config.crop = {100, 50};
  EXPECT_THAT(with_input_size(config, {50, 50}).resize, ElementsAre(100, 100));
}

TEST(WithInputSize, SizesALetterbox) {
  models::PreprocessConfig config{.resize = {}, .crop = {}, .letterbox = models::Letterbox{{320, 320}}};
  EXPECT_EQ(with_input_size(config, {96, 128}).output_size(), (std::array<int64_t, 2>{96, 128}));
  EXPECT_THAT(with_input_size(config, {96, 128}).resize, IsEmpty());
}

TEST(Classifier, NamesTheDemoPictures) {
  const std::string folder = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";
  Classifier classifier(models::Model::load(folder + "emoji.yaml"), {.top_k = 3});
  for (const std::string name : {"car", "dog", "penguin", "dog"}) {
    const Classification result = classifier.classify(read_image(folder + "samples/" + name + ".jpg"));
    ASSERT_THAT(result.top, SizeIs(3));
    EXPECT_EQ(result.top[0].label, name);
    EXPECT_GT(result.top[0].score, 0.5);
    EXPECT_LT(result.times.compile_ms, 5.0) << "compiled at construction";
  }
}

TEST(Classifier, GivesEveryInputSizeItsOwnNetwork) {
  const std::string folder = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";
  models::LoadModelOptions options;
  options.overrides = {{"preprocess.resize", "~"}, {"preprocess.crop", "~"}};
  Classifier classifier(models::Model::load(folder + "emoji.yaml", options));
  const cv::Mat picture = read_image(folder + "samples/ice_cream.jpg");
  std::vector<double> scores;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 6; ++i) {  // more than are kept
      const cv::Mat part = picture(cv::Rect(0, 0, 160 + 8 * i, 160));
      const double score = classifier.classify(part).top.at(0).score;
      if (round == 0) {
        scores.push_back(score);
      } else {
        EXPECT_EQ(score, scores[static_cast<size_t>(i)]);
      }
    }
  }
}

}  // namespace
}  // namespace zoo::pipeline
