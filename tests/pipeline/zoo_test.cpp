#include "pipeline/zoo.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "nn/weights/synthetic.h"
#include "tests/support/temp_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

const std::string kDemo = std::string(ZOO_SOURCE_DIR) + "/configs/demo/";

cv::Mat sample(const std::string& name) { return pipeline::read_image(kDemo + "samples/" + name + ".jpg"); }

/// The outputs of the whole demo network for one input, in the order of `names`.
std::vector<std::vector<float>> outputs_of_the_network(const Tensor& input, const std::vector<std::string>& names) {
  const models::Model model = models::Model::load(kDemo + "emoji.yaml");
  const auto runner = model.compile(input.shape, {.outputs = names})->new_runner();
  std::ranges::copy(input.data, runner->input().begin());
  runner->run();
  std::vector<std::vector<float>> outputs;
  for (size_t i = 0; i < names.size(); ++i) outputs.emplace_back(runner->output(i).begin(), runner->output(i).end());
  return outputs;
}

/// A model file in a folder of its own.
class ZooFile : public ::testing::Test {
 protected:
  std::string write_backbone(int channels, const std::string& tail = "") const {
    const fs::path file = folder_ / "net.yaml";
    std::ofstream(file)
        << "model:\n  architecture:\n    backbone:\n      name: mobilenetv1\n      params: {in_channels: " << channels
        << "}\n      stage_params:\n        - {out_channels: [8, 12], stride: [1, 2]}\n"
        << "        - {out_channels: [16], stride: [2]}\n"
        << tail;
    return file;
  }

  test::TempFolder temp_;
  fs::path folder_ = temp_.path();
};

TEST(ZooClassifier, AnswersAsThePipelinesClassifier) {
  Classifier classify(load_model(kDemo + "emoji.yaml"), {.top_k = 3});
  pipeline::Classifier reference(models::Model::load(kDemo + "emoji.yaml"), {.top_k = 4});
  const cv::Mat frame = sample("penguin");
  const auto expected = reference.classify(frame).top;
  EXPECT_EQ(expected[0].label, "penguin");
  EXPECT_THAT(classify(frame), SizeIs(3));
  const std::vector<Guess> guesses = classify(frame, 4);
  ASSERT_THAT(guesses, SizeIs(4));
  size_t i = 0;
  for (const auto& [label, score] : guesses) {
    EXPECT_EQ(label, expected[i].label);
    EXPECT_EQ(score, expected[i].score);
    ++i;
  }
}

TEST(ZooClassifier, SharesItsModelAndMoves) {
  static_assert(!std::is_copy_constructible_v<Classifier>, "it holds activations");
  std::vector<Classifier> classifiers;
  {
    const Model model = load_model(kDemo + "emoji.yaml");
    const Model copy = model;  // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(copy.shared(), model.shared());
    classifiers.emplace_back(model);
    classifiers.emplace_back(copy);  // moves the first one
  }
  for (Classifier& classify : classifiers) EXPECT_EQ(classify(sample("dog"), 1)[0].label, "dog");
}

TEST(ZooClassifier, RefusesFramesItCannotRead) {
  Classifier classify(load_model(kDemo + "emoji.yaml"));
  EXPECT_THROW(classify(cv::Mat(32, 32, CV_32FC3, cv::Scalar(0))), Error);
  EXPECT_THROW(classify(cv::Mat()), Error);
  EXPECT_EQ(classify(sample("car"), 1)[0].label, "car") << "still fit for use";
}

TEST(ZooModel, SaysWhatIsWrong) {
  EXPECT_THAT([] { load_model("absent.yaml"); }, ThrowsMessage<ConfigError>(StartsWith("absent.yaml: ")));
  EXPECT_THAT([] { load_model(kDemo + "emoji.yaml", {.checkpoint = "absent.safetensors"}); },
              ThrowsMessage<WeightError>(StartsWith("absent.safetensors: ")));
}

TEST(ZooBackbone, YieldsTheFeaturesOfTheWholeNetwork) {
  const Tensor input = weights::formula_input({2, 3, 64, 96}, "zoo");
  const auto expected = outputs_of_the_network(input, {"feature.0", "feature.1", "feature.2", "feature.3"});
  Backbone alone = load_backbone(kDemo + "emoji.yaml");
  Backbone of_model(load_model(kDemo + "emoji.yaml"));
  for (Backbone* backbone : {&alone, &of_model}) {
    const Features features = (*backbone)(input);
    ASSERT_EQ(features.size(), 4U);
    for (size_t level = 0; level < 4; ++level) {
      EXPECT_TRUE(std::ranges::equal(features[level].data(), expected[level])) << "level " << level;
    }
    EXPECT_EQ(features[3].shape().to_string(), "2x480x4x6");
    EXPECT_EQ(features[3].channels(), 480);
    EXPECT_EQ(features[3].stride, 16);
  }
}

TEST(ZooBackbone, PreprocessesFrames) {
  const cv::Mat frame = sample("apple");
  Backbone backbone = load_backbone(kDemo + "emoji.yaml");
  pipeline::Preprocessor preprocessor(backbone.model().config().preprocess);
  Tensor input = {{1, 3, 112, 112}, std::vector<float>(size_t{3} * 112 * 112)};
  preprocessor.run(frame, input.data);
  const Features of_frame = backbone(frame);
  const Features of_tensor = backbone(input);
  EXPECT_TRUE(std::ranges::equal(of_frame[3].data(), of_tensor[3].data()));
}

TEST(ZooBackbone, PreprocessesFramesToAnotherSize) {
  Backbone backbone = load_backbone(kDemo + "emoji.yaml", {}, {.input_size = {{64, 96}}});
  EXPECT_EQ(backbone(sample("apple"))[0].shape(), (Shape{1, 16, 16, 24}));
}

TEST(ZooFeatures, AreMatricesWithoutCopying) {
  Backbone backbone = load_backbone(kDemo + "emoji.yaml");
  const Features features = backbone(weights::formula_input({2, 3, 64, 96}, "zoo"));
  const FeatureMap& level = features[2];
  const cv::Mat plane = level.plane(5, 1);
  EXPECT_EQ(plane.type(), CV_32FC1);
  ASSERT_EQ(plane.size(), cv::Size(12, 8));
  const float* const expected = level.data().data() + (size_t{1} * 40 + 5) * 8 * 12;
  EXPECT_EQ(plane.ptr<float>(), expected);
  EXPECT_EQ(plane.at<float>(7, 11), expected[95]);
  EXPECT_THAT([&] { level.plane(40); }, ThrowsMessage<Error>("feature map: channel 40 of 40"));
  EXPECT_THAT([&] { level.plane(0, -1); }, ThrowsMessage<Error>("feature map: image -1 of 2"));
}

TEST(ZooFeatures, OutliveWhatMadeThem) {
  const Tensor input = weights::formula_input({1, 3, 32, 32}, "zoo");
  cv::Mat plane;
  std::vector<float> copy;
  {
    Backbone backbone = load_backbone(kDemo + "emoji.yaml");
    const Features first = backbone(input);
    plane = first[0].plane(3);
    plane.reshape(1, 1).copyTo(copy);
    backbone(weights::formula_input({1, 3, 32, 32}, "another"));
    Backbone moved = std::move(backbone);
    EXPECT_TRUE(std::ranges::equal(moved(input)[0].data(), first[0].data()));
  }
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), plane.begin<float>()));
}

TEST(ZooFeatures, AreFoundByStride) {
  Backbone backbone = load_backbone(kDemo + "emoji.yaml");
  const Features features = backbone(weights::formula_input({1, 3, 32, 32}, "zoo"));
  EXPECT_EQ(&features.at_stride(16), &features[3]);
  EXPECT_EQ(&features.at_stride(4), &features[0]) << "the finest of two";
  EXPECT_THAT([&] { features.at_stride(32); },
              ThrowsMessage<Error>("features: none of stride 32; there are 4, 4, 8, 16"));
}

TEST(ZooDetector, FindsWhatThePipelinesDetectorFinds) {
  const Model model = load_model(kDemo + "emoji_detection.yaml");
  Detector detect(model, {.score_thresh = 0.5});
  const cv::Mat frame = sample("scenes/scene_3");
  const std::vector<pipeline::FoundObject> found = detect(frame);
  const auto expected = pipeline::Detector(model.shared(), {.score_thresh = 0.5}).detect(frame).boxes;
  ASSERT_EQ(found.size(), expected.size());
  std::vector<std::string> labels;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].box, expected[i].box);
    labels.push_back(found[i].label);
  }
  EXPECT_THAT(labels, ::testing::UnorderedElementsAre("doughnut", "doughnut", "panda"));
  EXPECT_THAT([&] { Segmenter segment(model); },
              ThrowsMessage<Error>(HasSubstr("the model's task is detection, expected segmentation")));
}

TEST(ZooSegmenter, LabelsEveryPixelOfTheFrame) {
  const Model model = load_model(kDemo + "emoji_segmentation.yaml");
  const cv::Mat frame = sample("scenes/scene_3");
  const pipeline::Segmentation found = Segmenter(model)(frame);
  EXPECT_EQ(found.labels.size(), frame.size());
  EXPECT_EQ(cv::norm(found.labels, pipeline::Segmenter(model.shared()).segment(frame).labels), 0.0);
  ASSERT_FALSE(found.classes.empty());
  EXPECT_EQ(found.classes[0].label, "background");
}

TEST_F(ZooFile, NeedsNoHead) {
  Backbone backbone = load_backbone(write_backbone(3), {.random_weights = true});
  const Features features = backbone(cv::Mat(300, 400, CV_8UC3, cv::Scalar(10, 20, 30)));
  std::vector<Shape> shapes;
  for (const FeatureMap& level : features) shapes.push_back(level.shape());
  EXPECT_THAT(shapes, ElementsAre(Shape{1, 12, 56, 56}, Shape{1, 16, 28, 28}));
  EXPECT_THAT([&] { load_model(write_backbone(3), {.random_weights = true}); },
              ThrowsMessage<ConfigError>(HasSubstr("model.architecture: missing key \"head\"")));
}

TEST_F(ZooFile, NeedsWeightsOrTheWishForNone) {
  EXPECT_THAT([&] { load_backbone(write_backbone(3)); }, ThrowsMessage<ConfigError>(HasSubstr("no weights")));
}

TEST_F(ZooFile, ReadsTensorsOfAnyNumberOfChannels) {
  Backbone backbone = load_backbone(write_backbone(5), {.random_weights = true});
  EXPECT_EQ(backbone(weights::formula_input({1, 5, 16, 16}, "zoo"))[1].shape(), (Shape{1, 16, 2, 2}));
  EXPECT_THAT([&] { backbone(cv::Mat(16, 16, CV_8UC3, cv::Scalar(0))); },
              ThrowsMessage<Error>(HasSubstr("net.yaml: a network with 5 input channels reads tensors, not pictures")));
  EXPECT_THROW(backbone(Tensor{{1, 3, 16, 16}, std::vector<float>(768)}), GraphError);
  EXPECT_THROW(backbone(Tensor{{5, 16, 16}, std::vector<float>(1280)}), GraphError);
  EXPECT_THAT(
      [&] {
        backbone(Tensor{{1, 5, 16, 16}, std::vector<float>(7)});
      },
      ThrowsMessage<Error>("an input of 1x5x16x16 has 1280 values, found 7"));
}

}  // namespace
}  // namespace zoo
