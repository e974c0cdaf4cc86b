#include "pipeline/tasks/draw.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "pipeline/images/palette.h"

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

std::vector<FoundObject> objects_in(const cv::Size& size) {
  const auto w = static_cast<float>(size.width);
  const auto h = static_cast<float>(size.height);
  return {{1, "cat", 0.9, {0.0F, 0.0F, w, h}},
          {2, "dog", 0.8, {w / 2, h / 2, w, h}},
          {3, std::string(300, 'x'), 0.7, {w - 1, h - 1, w, h}},
          {4, "thin", 0.6, {w / 3, 0.0F, w / 3 + 0.1F, h}}};
}

TEST_P(DrawnSize, BoxesKeepThePicturesSizeAndShowInTheirColours) {
  cv::Mat image = grey_picture(GetParam().width, GetParam().height);
  draw_boxes(image, objects_in(GetParam()));
  EXPECT_EQ(image.size(), GetParam());
  const Rgb color = box_color(1);
  cv::Mat found;
  const cv::Scalar bgr(color.b, color.g, color.r);
  cv::inRange(image, bgr, bgr, found);
  EXPECT_GT(cv::countNonZero(found), 0);
}

TEST_P(DrawnSize, MaskTintsItsClassesAndLeavesTheBackground) {
  cv::Mat image = grey_picture(GetParam().width, GetParam().height);
  Segmentation mask;
  mask.labels = cv::Mat(GetParam(), CV_8UC1, cv::Scalar(0));
  const int last = GetParam().width - 1;
  mask.labels.col(last).setTo(15);
  mask.labels.col(last - 1).setTo(255);
  mask.classes = class_shares(mask.labels, {"background"});
  draw_mask(image, mask);
  const int bottom = GetParam().height - 1;  // below the legend
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last), cv::Vec3b(128, 128, 160));
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last - 1), cv::Vec3b(64, 64, 64));
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last - 2), cv::Vec3b(128, 128, 128));
}

TEST(DrawBoxes, TagStandsAboveItsBoxWhereThereIsRoom) {
  cv::Mat image = grey_picture(320, 240);
  draw_boxes(image, std::vector<FoundObject>{{1, "cat", 0.9, {100.0F, 100.0F, 200.0F, 200.0F}}});
  const cv::Rect above = changed_part(image);
  EXPECT_LT(above.y, 95);
  EXPECT_EQ(above.x, 100);
  EXPECT_EQ(above.br(), cv::Point(200, 200));
  image = grey_picture(320, 240);
  draw_boxes(image, std::vector<FoundObject>{{1, "cat", 0.9, {100.0F, 2.0F, 200.0F, 200.0F}}});
  EXPECT_EQ(changed_part(image), cv::Rect(100, 2, 100, 198));
}

TEST(DrawMask, TintsAFirstClassThatIsNoBackground) {
  cv::Mat image = grey_picture(100, 100);
  Segmentation mask;
  mask.labels = cv::Mat(100, 100, CV_8UC1, cv::Scalar(0));
  mask.classes = class_shares(mask.labels, {"road", "car"});
  draw_mask(image, mask);
  EXPECT_EQ(image.at<cv::Vec3b>(99, 99), cv::Vec3b(64, 64, 64));
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
