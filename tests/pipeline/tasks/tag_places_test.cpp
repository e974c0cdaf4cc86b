#include "pipeline/tasks/tag_places.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace zoo::pipeline {
namespace {

constexpr int kWidth = 320;
constexpr int kHeight = 240;
const cv::Size kTag(60, 20);

TEST(TagPlaces, AboveTheBoxElseInside) {
  TagPlaces places({kWidth, kHeight});
  EXPECT_EQ(places.take({100, 100, 80, 80}, kTag), cv::Point(100, 80));
  EXPECT_EQ(places.take({100, 100, 80, 80}, kTag), cv::Point(100, 100));
  EXPECT_EQ(places.take({100, 10, 80, 50}, kTag), cv::Point(100, 10)) << "no room above";
  EXPECT_EQ(places.take({300, 200, 20, 20}, kTag), cv::Point(260, 180)) << "moved into the picture";
}

TEST(TagPlaces, NeverOverEachOtherAndAlwaysInside) {
  cv::RNG random(7);
  TagPlaces places({kWidth, kHeight});
  std::vector<cv::Rect> taken;
  for (int i = 0; i < 200; ++i) {
    const cv::Rect box(random.uniform(-20, kWidth), random.uniform(-20, kHeight), random.uniform(0, 200),
                       random.uniform(0, 200));
    const auto at = places.take(box, kTag);
    if (!at) continue;
    const cv::Rect place(*at, kTag);
    EXPECT_EQ(place & cv::Rect(0, 0, kWidth, kHeight), place);
    for (const cv::Rect& other : taken) EXPECT_TRUE((place & other).empty()) << place << " over " << other;
    taken.push_back(place);
  }
  EXPECT_GE(taken.size(), 20U);
}

TEST(TagPlaces, ATagThatIsLargerThanThePictureStartsInItsCorner) {
  TagPlaces places({30, 10});
  EXPECT_EQ(places.take({5, 0, 10, 10}, kTag), cv::Point(0, 0));
}

TEST(TagPlaces, WhereAllIsTakenThereIsNone) {
  TagPlaces places({60, 20});
  EXPECT_TRUE(places.take({0, 0, 60, 20}, kTag).has_value());
  EXPECT_FALSE(places.take({0, 0, 60, 20}, kTag).has_value());
}

}  // namespace
}  // namespace zoo::pipeline
