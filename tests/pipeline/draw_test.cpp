#include "pipeline/draw.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace zoo::pipeline {
namespace {

const std::vector<ClassScore> kTop = {
    {281, "tabby, tabby cat", 0.912}, {282, "tiger cat", 0.06}, {285, "Katze \xC3\xA4", 0.02}};

cv::Mat grey_picture(int width, int height) { return {height, width, CV_8UC3, cv::Scalar(128, 128, 128)}; }

/// Bounding box of what differs from the grey picture.
cv::Rect changed_part(const cv::Mat& image) {
  cv::Mat difference;
  cv::absdiff(image, cv::Scalar(128, 128, 128), difference);
  std::vector<cv::Mat> planes;
  cv::split(difference, planes);
  return cv::boundingRect((planes[0] | planes[1] | planes[2]) > 0);
}

class DrawnSize : public ::testing::TestWithParam<cv::Size> {};

TEST_P(DrawnSize, BoxStaysInTheCornerAndInside) {
  cv::Mat image = grey_picture(GetParam().width, GetParam().height);
  draw_classes(image, kTop);
  EXPECT_EQ(image.size(), GetParam());
  const cv::Rect box = changed_part(image);
  EXPECT_EQ(box.tl(), cv::Point(0, 0));
  EXPECT_GT(box.area(), 0);
  double brightest = 0.0;
  cv::minMaxLoc(image.reshape(1), nullptr, &brightest);
  EXPECT_GT(brightest, 200.0) << "no light text";
}

INSTANTIATE_TEST_SUITE_P(All, DrawnSize,
                         ::testing::Values(cv::Size(24, 24), cv::Size(32, 32), cv::Size(64, 24), cv::Size(24, 300),
                                           cv::Size(320, 240), cv::Size(1920, 1080), cv::Size(4000, 100)));

TEST(DrawClasses, TextGrowsWithThePicture) {
  cv::Mat small = grey_picture(320, 240);
  cv::Mat large = grey_picture(3200, 2400);
  draw_classes(small, kTop);
  draw_classes(large, kTop);
  EXPECT_GT(changed_part(large).height, 5 * changed_part(small).height);
  EXPECT_LT(changed_part(large).height, 2400 / 4);
}

TEST(DrawClasses, LeavesTinyPicturesAndEmptyResultsAlone) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(23, 500), cv::Size(500, 23)}) {
    cv::Mat image = grey_picture(size.width, size.height);
    draw_classes(image, kTop);
    EXPECT_EQ(cv::norm(image, grey_picture(size.width, size.height), cv::NORM_INF), 0.0) << size;
  }
  cv::Mat image = grey_picture(100, 100);
  draw_classes(image, {});
  EXPECT_EQ(cv::norm(image, grey_picture(100, 100), cv::NORM_INF), 0.0);
}

TEST(DrawClasses, SurvivesStrangeLabels) {
  for (const std::string& label : {std::string(), std::string(5000, 'x'), std::string("\n\t\x01\xFF\xFE\x80", 6)}) {
    cv::Mat image = grey_picture(200, 100);
    draw_classes(image, std::vector<ClassScore>{{0, label, 1.0}});
    EXPECT_GT(changed_part(image).area(), 0);
  }
}

}  // namespace
}  // namespace zoo::pipeline
