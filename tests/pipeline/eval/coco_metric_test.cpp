// COCO's average precision: cases worked out by hand, and a random one against pycocotools' figures.
#include "pipeline/eval/coco_metric.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zoo::eval {
namespace {

using Json = nlohmann::json;

constexpr double kTolerance = 1e-12;

CocoTruth object(CocoBox box, double area) { return {.class_index = 0, .box = box, .area = area}; }
CocoTruth object(CocoBox box) { return object(box, box.width * box.height); }
CocoTruth crowd(CocoBox box) { return {.class_index = 0, .box = box, .area = box.width * box.height, .crowd = true}; }
CocoFound found(double score, CocoBox box) { return {.class_index = 0, .score = score, .box = box}; }

/// A 10x10 box, one of a row that do not touch.
CocoBox square(int place) { return {20.0 * place, 0.0, 10.0, 10.0}; }

CocoSummary of_one_picture(std::vector<CocoTruth> truths, std::vector<CocoFound> founds) {
  CocoMetric metric(1);
  metric.add(1, truths, founds);
  return metric.summary();
}

TEST(BoxOverlap, IsIntersectionOverUnionOrOverTheDetectionForCrowds) {
  const CocoBox a{0, 0, 10, 10};
  const CocoBox b{5, 0, 10, 10};
  EXPECT_DOUBLE_EQ(box_overlap(a, b, false), 50.0 / 150.0);
  EXPECT_DOUBLE_EQ(box_overlap(a, b, true), 0.5);
  EXPECT_EQ(box_overlap(a, {10, 0, 5, 5}, false), 0.0) << "touching is no overlap";
}

TEST(CocoMetric, GivesOneForPerfectBoxesAndNothingForAbsentSizes) {
  const CocoSummary summary =
      of_one_picture({object(square(0)), object(square(1))}, {found(0.9, square(0)), found(0.8, square(1))});
  EXPECT_NEAR(*summary.ap, 1.0, kTolerance);
  EXPECT_NEAR(*summary.ap_small, 1.0, kTolerance);
  EXPECT_FALSE(summary.ap_medium);
  EXPECT_FALSE(summary.ar_large);
  EXPECT_DOUBLE_EQ(*summary.ar1, 0.5) << "one detection per picture finds one of two objects";
  EXPECT_DOUBLE_EQ(*summary.ar10, 1.0);
  EXPECT_EQ(summary.objects, 2);
}

// Hits, best first: right, wrong, right; three objects. Precision 1, 1/2, 2/3 becomes 1, 2/3, 2/3; recall is 1/3, 1/3,
// 2/3. Recall points 0 .. 0.33 (34 of them) see 1, 0.34 .. 0.66 (33) see 2/3, the other 34 nothing.
TEST(CocoMetric, InterpolatesPrecisionAtTheHundredAndOneRecalls) {
  const CocoSummary summary = of_one_picture({object(square(0)), object(square(1)), object(square(2))},
                                             {found(0.9, square(0)), found(0.8, square(7)), found(0.7, square(1))});
  EXPECT_NEAR(*summary.ap50, (34.0 + 33.0 * 2.0 / 3.0) / 101.0, kTolerance);
  EXPECT_NEAR(*summary.ap, *summary.ap50, kTolerance);
  EXPECT_NEAR(*summary.ar100, 2.0 / 3.0, kTolerance);
}

// 8x10 of 10x10 is an IoU of 0.8, 5x10 one of 0.5; equality is enough.
TEST(CocoMetric, MatchesAtThresholdsUpToTheOverlap) {
  const CocoSummary summary = of_one_picture({object({0, 0, 10, 10})}, {found(0.9, {0, 0, 8, 10})});
  EXPECT_NEAR(*summary.ap, 0.7, kTolerance) << "0.50 to 0.80";
  EXPECT_NEAR(*summary.ap75, 1.0, kTolerance);
  const CocoSummary smaller = of_one_picture({object({0, 0, 10, 10})}, {found(0.9, {0, 0, 5, 10})});
  EXPECT_NEAR(*smaller.ap, 0.1, kTolerance) << "0.50 itself";
  EXPECT_NEAR(*smaller.ap75, 0.0, kTolerance);
}

// The better score chooses first and takes the object with an overlap of 0.8; the other detection fits exactly and is
// left with nothing.
TEST(CocoMetric, LetsTheBetterScoreChooseFirst) {
  const CocoSummary summary =
      of_one_picture({object({0, 0, 10, 10})}, {found(0.6, {0, 0, 10, 10}), found(0.9, {0, 0, 8, 10})});
  EXPECT_NEAR(*summary.ap50, 1.0, kTolerance) << "the second one comes after full recall";
  // At 0.85 and above the better score is wrong, the other right: precision 1/2.
  EXPECT_NEAR(*summary.ap, (7.0 * 1.0 + 3.0 * 0.5) / 10.0, kTolerance);
}

TEST(CocoMetric, CountsASecondDetectionOfAnObjectAsWrong) {
  const CocoSummary summary = of_one_picture({object(square(0)), object(square(1))},
                                             {found(0.9, square(0)), found(0.8, square(0)), found(0.7, square(1))});
  // Right, wrong, right of two objects: 51 recall points (0 .. 0.5) see 1, 50 see 2/3.
  EXPECT_NEAR(*summary.ap50, (51.0 + 50.0 * 2.0 / 3.0) / 101.0, kTolerance);
}

// A crowd takes any number of detections that lie in it, and none of them counts; what lies half outside is wrong at
// the thresholds above 0.5.
TEST(CocoMetric, IgnoresDetectionsInCrowds) {
  const std::vector<CocoTruth> truths = {crowd({100, 0, 100, 100}), object(square(0))};
  const CocoSummary summary =
      of_one_picture(truths, {found(0.9, {110, 10, 10, 10}), found(0.8, {150, 10, 10, 10}), found(0.7, square(0))});
  EXPECT_NEAR(*summary.ap, 1.0, kTolerance);
  EXPECT_EQ(summary.objects, 1) << "a crowd is nothing to be found";
  EXPECT_NEAR(*summary.ar1, 0.0, kTolerance) << "but it uses up the one detection";
  const CocoSummary half = of_one_picture(truths, {found(0.9, {95, 0, 10, 10}), found(0.7, square(0))});
  EXPECT_NEAR(*half.ap50, 1.0, kTolerance);
  EXPECT_NEAR(*half.ap, (1.0 + 9.0 * 0.5) / 10.0, kTolerance);
}

// An object that counts is preferred to a crowd with a larger overlap.
TEST(CocoMetric, PrefersObjectsThatCount) {
  const CocoSummary summary =
      of_one_picture({crowd({0, 0, 100, 100}), object({0, 0, 10, 10})}, {found(0.9, {0, 0, 10, 8})});
  EXPECT_NEAR(*summary.ap50, 1.0, kTolerance);
  EXPECT_NEAR(*summary.ap, 0.7, kTolerance) << "0.85 and above: taken by the crowd, and the object not found";
}

// The annotated area decides, not the box's: 40x40 = 1600, but 900 of it are the object, so it is small. A detection of
// 1600 that matches it is right among the small ones, and for the medium ones ignored as its object is.
TEST(CocoMetric, SortsObjectsByTheirAnnotatedArea) {
  const CocoSummary summary = of_one_picture({object({0, 0, 40, 40}, 900.0), object({100, 0, 50, 50})},
                                             {found(0.9, {0, 0, 40, 40}), found(0.8, {100, 0, 50, 50})});
  EXPECT_NEAR(*summary.ap_small, 1.0, kTolerance);
  EXPECT_NEAR(*summary.ap_medium, 1.0, kTolerance);
  EXPECT_FALSE(summary.ap_large);
}

// Detections that match nothing are wrong only among objects of their own size: the 50x50 one is of medium size.
TEST(CocoMetric, IgnoresUnmatchedDetectionsOfOtherSizes) {
  const CocoSummary summary =
      of_one_picture({object({0, 0, 20, 20}), object({200, 200, 60, 60})},
                     {found(0.9, {400, 0, 50, 50}), found(0.8, {0, 0, 20, 20}), found(0.7, {200, 200, 60, 60})});
  EXPECT_NEAR(*summary.ap_small, 1.0, kTolerance);
  EXPECT_NEAR(*summary.ap_medium, 0.5, kTolerance);
  EXPECT_NEAR(*summary.ap, 2.0 / 3.0, kTolerance) << "wrong, right, right: 0, 1/2, 2/3 becomes 2/3 throughout";
}

TEST(CocoMetric, CountsBothEndsOfAnAreaRange) {
  const CocoSummary summary = of_one_picture({object({0, 0, 32, 32})}, {found(0.9, {0, 0, 32, 32})});
  EXPECT_NEAR(*summary.ap_small, 1.0, kTolerance);
  EXPECT_NEAR(*summary.ap_medium, 1.0, kTolerance);
}

TEST(CocoMetric, LooksAtAHundredDetectionsPerPictureAndClass) {
  std::vector<CocoFound> founds;
  for (int i = 0; i < 100; ++i) founds.push_back(found(0.9, square(10 + i)));
  founds.push_back(found(0.1, square(0)));
  EXPECT_NEAR(*of_one_picture({object(square(0))}, founds).ap, 0.0, kTolerance);
  founds.erase(founds.begin());
  EXPECT_NEAR(*of_one_picture({object(square(0))}, founds).ap, 0.01, kTolerance) << "the hundredth is right";
  founds.back().class_index = 1;
  CocoMetric metric(2);
  metric.add(1, std::vector<CocoTruth>{object(square(0))}, founds);
  EXPECT_NEAR(*metric.summary().ap, 0.0, kTolerance) << "of another class";
}

// Of equal scores the picture with the lower id comes first, whatever the order in which pictures are added.
TEST(CocoMetric, BreaksTiesByImageIdWhateverTheOrder) {
  const std::vector<CocoTruth> truths = {object(square(0))};
  const std::vector<CocoFound> right = {found(0.5, square(0))};
  const std::vector<CocoFound> wrong = {found(0.5, square(5))};
  CocoMetric forward(1);
  forward.add(1, truths, right);
  forward.add(2, truths, wrong);
  CocoMetric backward(1);
  backward.add(2, truths, wrong);
  CocoMetric other(1);
  other.add(1, truths, right);
  backward.merge(other);
  // Right, wrong of two objects: 51 recall points see 1. The other way round they would see 1/2.
  EXPECT_NEAR(*forward.summary().ap, 51.0 / 101.0, kTolerance);
  EXPECT_EQ(*backward.summary().ap, *forward.summary().ap);
  EXPECT_EQ(backward.summary().pictures, 2);
}

// Within a picture it is the order of the detections; of equal overlaps the later object is taken.
TEST(CocoMetric, KeepsTheOrderOfEqualScores) {
  const CocoSummary summary = of_one_picture({object(square(0))}, {found(0.5, square(3)), found(0.5, square(0))});
  EXPECT_NEAR(*summary.ap, 0.5, kTolerance);
}

TEST(CocoMetric, LeavesOutClassesWithoutObjects) {
  CocoMetric metric(3);
  metric.add(1, std::vector<CocoTruth>{object(square(0))},
             std::vector<CocoFound>{found(0.9, square(0)), {.class_index = 2, .score = 0.9, .box = square(0)}});
  const CocoSummary summary = metric.summary();
  EXPECT_NEAR(*summary.ap, 1.0, kTolerance);
  EXPECT_NEAR(*summary.classes[0].ap, 1.0, kTolerance);
  EXPECT_FALSE(summary.classes[1].ap);
  EXPECT_FALSE(summary.classes[2].ap) << "detections of a class that is nowhere do not count";
  EXPECT_FALSE(CocoMetric(3).summary().ap);
}

/// tools/make_coco_fixture.py.
class Reference : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(ZOO_SOURCE_DIR) + "/tests/reference_data/coco_metric.json");
    ASSERT_TRUE(file);
    data_ = Json::parse(file);
    for (const Json& row : data_.at("truths")) {
      truths_[row[0]].push_back({.class_index = row[1], .box = box(row[2]), .area = row[4], .crowd = row[3] == 1});
    }
    for (const Json& row : data_.at("detections")) {
      founds_[row[0]].push_back({.class_index = row[1], .score = row[2], .box = box(row[3])});
    }
  }

  static CocoBox box(const Json& row) { return {row[0], row[1], row[2], row[3]}; }

  /// The pictures whose id leaves `remainder` modulo `parts`.
  CocoMetric part(int64_t parts, int64_t remainder) {
    CocoMetric metric(data_.at("classes"));
    for (int64_t id = 1; id <= 40; ++id) {
      if (id % parts == remainder) metric.add(id, truths_[id], founds_[id]);
    }
    return metric;
  }

  static void expect_equal(const std::optional<double>& actual, const Json& expected, const std::string& name) {
    ASSERT_EQ(actual.has_value(), !expected.is_null()) << name;
    if (!actual) return;
    EXPECT_NEAR(*actual, expected.get<double>(), 1e-9) << name;
  }

  void expect_reference(const CocoSummary& summary) const {
    const Json& figures = data_.at("figures");
    expect_equal(summary.ap, figures.at("AP"), "AP");
    expect_equal(summary.ap50, figures.at("AP50"), "AP50");
    expect_equal(summary.ap75, figures.at("AP75"), "AP75");
    expect_equal(summary.ap_small, figures.at("AP_small"), "AP_small");
    expect_equal(summary.ap_medium, figures.at("AP_medium"), "AP_medium");
    expect_equal(summary.ap_large, figures.at("AP_large"), "AP_large");
    expect_equal(summary.ar1, figures.at("AR1"), "AR1");
    expect_equal(summary.ar10, figures.at("AR10"), "AR10");
    expect_equal(summary.ar100, figures.at("AR100"), "AR100");
    expect_equal(summary.ar_small, figures.at("AR_small"), "AR_small");
    expect_equal(summary.ar_medium, figures.at("AR_medium"), "AR_medium");
    expect_equal(summary.ar_large, figures.at("AR_large"), "AR_large");
    for (size_t i = 0; i < summary.classes.size(); ++i) {
      expect_equal(summary.classes[i].ap, data_.at("class_AP").at(i), fmt::format("class {}", i));
    }
  }

  Json data_;
  std::map<int64_t, std::vector<CocoTruth>> truths_;
  std::map<int64_t, std::vector<CocoFound>> founds_;
};

TEST_F(Reference, EqualsPycocotools) { expect_reference(part(1, 0).summary()); }

TEST_F(Reference, EqualsPycocotoolsInPartsOfAnyOrder) {
  CocoMetric metric = part(3, 1);
  metric.merge(part(3, 0));
  metric.merge(part(3, 2));
  expect_reference(metric.summary());
}

}  // namespace
}  // namespace zoo::eval
