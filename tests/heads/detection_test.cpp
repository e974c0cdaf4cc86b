#include "heads/detection.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "heads/box_coding.h"
#include "heads/nms.h"
#include "nn/core/error.h"
#include "nn/weights/safetensors.h"

namespace zoo::heads {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

/// A decoding, and anchors and maps for it.
struct Subject {
  DetectionDecoding decoding;
  std::vector<Box> anchors;
  std::vector<std::vector<float>> logits;
  std::vector<std::vector<float>> offsets;
  std::vector<graph::Size2d> sizes;
  graph::Size2d input;

  std::vector<Detection> decode() const {
    std::vector<LevelMaps> levels;
    for (size_t i = 0; i < sizes.size(); ++i) levels.push_back({logits[i], offsets[i], sizes[i]});
    return decode_detections(decoding, anchors, levels, input);
  }
};

/// One level of 1 x N positions with one anchor of 10x10 pixels each, 20 pixels apart, and no offsets.
Subject row_of(int64_t positions, int64_t classes, std::vector<float> logits) {
  Subject subject;
  subject.sizes = {{1, positions}};
  subject.input = {20, 20 * positions};
  subject.logits = {std::move(logits)};
  subject.offsets = {std::vector<float>(static_cast<size_t>(4 * positions), 0.0F)};
  subject.decoding.classes = classes;
  subject.decoding.anchors_per_position = {1};
  subject.decoding.postprocess = {.topk_candidates = 100, .score_thresh = 0.25, .nms_thresh = 0.5};
  for (int64_t i = 0; i < positions; ++i) {
    const auto x = static_cast<float>(20 * i);
    subject.anchors.push_back({x, 0.0F, x + 10.0F, 10.0F});
  }
  return subject;
}

weights::SafetensorsFile fixture(const std::string& name) {
  return weights::SafetensorsFile::open(std::string(ZOO_SOURCE_DIR) + "/tests/reference_data/heads/" + name);
}

class TorchvisionDetections : public ::testing::TestWithParam<int> {
 protected:
  std::vector<float> values(const std::string& name) const {
    const weights::StoredTensor* tensor = file_.find(fmt::format("{}.{}", GetParam(), name));
    if (tensor == nullptr) throw Error("no tensor " + name);
    return weights::to_float(*tensor);
  }

  std::vector<Box> boxes(const std::string& name) const {
    const std::vector<float> flat = values(name);
    std::vector<Box> result;
    for (size_t i = 0; i < flat.size(); i += 4) result.push_back({flat[i], flat[i + 1], flat[i + 2], flat[i + 3]});
    return result;
  }

  Subject subject() const {
    const std::vector<float> params = values("params");
    Subject subject;
    subject.input = {static_cast<int64_t>(params[2]), static_cast<int64_t>(params[3])};
    DetectionDecoding& decoding = subject.decoding;
    decoding.classes = static_cast<int64_t>(params[0]);
    if (params[4] == 1.0F) {
      decoding.score = ScoreFunction::kSoftmax;
      decoding.selection = CandidateSelection::kPerClass;
      decoding.coding = {10.0, 10.0, 5.0, 5.0};
    }
    decoding.postprocess = {.topk_candidates = static_cast<int64_t>(params[5]),
                            .score_thresh = params[6],
                            .nms_thresh = params[7],
                            .class_agnostic = params[8] == 1.0F,
                            .max_detections = static_cast<int64_t>(params[9])};
    subject.anchors = boxes("anchors");
    const std::vector<float> sizes = values("sizes");
    for (size_t i = 0; i < sizes.size() / 2; ++i) {
      subject.sizes.push_back({static_cast<int64_t>(sizes[2 * i]), static_cast<int64_t>(sizes[2 * i + 1])});
      subject.logits.push_back(values(fmt::format("cls.{}", i)));
      subject.offsets.push_back(values(fmt::format("box.{}", i)));
      decoding.anchors_per_position.push_back(static_cast<int64_t>(params[1]));
    }
    return subject;
  }

 private:
  weights::SafetensorsFile file_ = fixture("detections.safetensors");
};

TEST_P(TorchvisionDetections, AreTheSameInTheSameOrder) {
  const std::vector<Detection> found = subject().decode();
  const std::vector<Box> expected = boxes("boxes");
  const std::vector<float> scores = values("scores");
  const std::vector<float> labels = values("labels");
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(static_cast<float>(found[i].label), labels[i]);
    EXPECT_NEAR(found[i].score, scores[i], 1e-6);
    EXPECT_NEAR(found[i].box.x0, expected[i].x0, 1e-4);
    EXPECT_NEAR(found[i].box.y0, expected[i].y0, 1e-4);
    EXPECT_NEAR(found[i].box.x1, expected[i].x1, 1e-4);
    EXPECT_NEAR(found[i].box.y1, expected[i].y1, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TorchvisionDetections, ::testing::Range(0, 8));

TEST(DecodeBox, MovesAndScalesTheAnchor) {
  const Box anchor = {10.0F, 20.0F, 30.0F, 60.0F};
  EXPECT_EQ(decode_box(anchor, {0.0F, 0.0F, 0.0F, 0.0F}, {}), anchor);
  EXPECT_EQ(decode_box(anchor, {0.5F, -0.25F, 0.0F, 0.0F}, {}), (Box{20.0F, 10.0F, 40.0F, 50.0F}));
  EXPECT_EQ(decode_box(anchor, {5.0F, -2.5F, 0.0F, 0.0F}, {10.0, 10.0, 5.0, 5.0}), (Box{20.0F, 10.0F, 40.0F, 50.0F}));
  const Box doubled = decode_box(anchor, {0.0F, 0.0F, std::log(2.0F), 0.0F}, {});
  EXPECT_NEAR(doubled.x0, 0.0F, 1e-5);
  EXPECT_NEAR(doubled.x1, 40.0F, 1e-5);
  const Box capped = decode_box(anchor, {0.0F, 0.0F, 100.0F, 1000.0F}, {});
  EXPECT_NEAR(capped.x1 - capped.x0, 20.0F * 1000 / 16, 1e-2);
  EXPECT_NEAR(capped.y1 - capped.y0, 40.0F * 1000 / 16, 1e-2);
}

TEST(ClipBox, KeepsWhatIsInside) {
  EXPECT_EQ(clip_box({-5.0F, 2.0F, 300.0F, 20.5F}, {100, 200}), (Box{0.0F, 2.0F, 200.0F, 20.5F}));
  EXPECT_EQ(clip_box({-5.0F, 120.0F, -1.0F, 130.0F}, {100, 200}), (Box{0.0F, 100.0F, 0.0F, 100.0F}));
}

TEST(Suppress, DropsWhatABetterBoxOfTheLabelCovers) {
  const Box box = {0.0F, 0.0F, 10.0F, 10.0F};
  const Box half = {0.0F, 0.0F, 10.0F, 5.0F};  // overlap exactly 0.5
  const std::vector<Detection> found = {{box, 0.9F, 1}, {half, 0.8F, 1}, {box, 0.7F, 2}, {box, 0.6F, 1}};
  EXPECT_THAT(suppress(found, {.threshold = 0.5}), ElementsAre(0, 1, 2));
  EXPECT_THAT(suppress(found, {.threshold = 0.49}), ElementsAre(0, 2));
  EXPECT_THAT(suppress(found, {.threshold = 0.5, .class_agnostic = true}), ElementsAre(0, 1));
  EXPECT_THAT(suppress(found, {.threshold = 0.5, .limit = 2}), ElementsAre(0, 1));
  EXPECT_THAT(suppress({}, {}), IsEmpty());
}

TEST(Suppress, KeepsBoxesWithoutArea) {
  const Box point = {3.0F, 3.0F, 3.0F, 3.0F};
  EXPECT_TRUE(std::isnan(overlap_of(point, point)));
  EXPECT_THAT(suppress(std::vector<Detection>{{point, 0.9F, 1}, {point, 0.8F, 1}}, {.threshold = 0.5}),
              ElementsAre(0, 1));
}

TEST(DecodeDetections, ScoreMustExceedTheThreshold) {
  Subject subject = row_of(3, 1, {0.0F, 1.0F, -1.0F});
  subject.decoding.postprocess.score_thresh = 0.5;
  const std::vector<Detection> found = subject.decode();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].box, (Box{20.0F, 0.0F, 30.0F, 10.0F}));
}

TEST(DecodeDetections, EqualScoresComeInTheOrderOfTheRows) {
  const Subject subject = row_of(4, 2, {1.0F, 2.0F, 1.0F, 2.0F, 2.0F, -9.0F, 1.0F, 2.0F});
  std::vector<std::pair<float, int64_t>> order;
  for (const Detection& found : subject.decode()) order.emplace_back(found.box.x0, found.label);
  using At = std::pair<float, int64_t>;
  EXPECT_THAT(order, ElementsAre(At(0.0F, 1), At(20.0F, 0), At(60.0F, 0), At(60.0F, 1), At(0.0F, 0), At(40.0F, 0),
                                 At(40.0F, 1)));
}

TEST(DecodeDetections, OfEqualScoresTheFirstRowsAreCandidates) {
  Subject subject = row_of(4, 1, {1.0F, 1.0F, 1.0F, 1.0F});
  subject.decoding.postprocess.topk_candidates = 2;
  EXPECT_EQ(subject.decode().size(), 2U);
  EXPECT_EQ(subject.decode()[1].box.x0, 20.0F);
  subject.decoding.postprocess.topk_candidates = 0;
  EXPECT_THAT(subject.decode(), IsEmpty());
}

TEST(DecodeDetections, RefusesMapsThatDoNotFit) {
  Subject subject = row_of(2, 1, {1.0F, 1.0F, 1.0F});
  EXPECT_THAT([&] { subject.decode(); },
              ThrowsMessage<Error>(HasSubstr("has 3 scores and 8 offsets, expected 2 and 8")));
  subject = row_of(2, 1, {1.0F, 1.0F});
  subject.decoding.anchors_per_position = {1, 1};
  EXPECT_THAT([&] { subject.decode(); }, ThrowsMessage<Error>(HasSubstr("1 levels, expected 2")));
  subject = row_of(2, 1, {1.0F, 1.0F});
  subject.anchors.resize(3);
  EXPECT_THAT([&] { subject.decode(); }, ThrowsMessage<Error>(HasSubstr("3 anchors for 2 rows")));
}

TEST(DecodeDetections, RefusesWhatIsNoNumber) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    EXPECT_THROW(row_of(2, 1, {1.0F, bad}).decode(), EngineError);
    Subject subject = row_of(2, 1, {1.0F, 1.0F});
    subject.offsets[0][1] = bad;
    EXPECT_THROW(subject.decode(), EngineError);
  }
}

}  // namespace
}  // namespace zoo::heads
