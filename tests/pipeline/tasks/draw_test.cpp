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

TEST_P(DrawnSize, UnknownIsLegibleInTheCornerAndWithoutABar) {
  cv::Mat image = grey_picture(GetParam().width, GetParam().height);
  draw_unknown(image);
  const cv::Rect box = changed_part(image);
  EXPECT_EQ(box.tl(), cv::Point(0, 0));
  double brightest = 0.0;
  cv::minMaxLoc(image.reshape(1), nullptr, &brightest);
  EXPECT_GT(brightest, 200.0) << "no light text";
  cv::Mat colourful;
  cv::Mat hsv;
  cv::cvtColor(image, hsv, cv::COLOR_BGR2HSV);
  cv::inRange(hsv, cv::Scalar(0, 100, 0), cv::Scalar(180, 255, 255), colourful);
  EXPECT_EQ(cv::countNonZero(colourful), 0);
}

/// What a classification draws onto a grey picture.
cv::Mat drawn(const Classification& result) {
  cv::Mat image = grey_picture(320, 240);
  draw_classification(image, result);
  return image;
}

cv::Mat drawn(const std::vector<ClassScore>& top) {
  cv::Mat image = grey_picture(320, 240);
  draw_classes(image, top);
  return image;
}

bool same(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF) == 0.0; }

TEST(DrawClassification, IsItsGuessesUnlessItIsUnknown) {
  Classification result{kTop, {}};
  EXPECT_TRUE(same(drawn(result), drawn(kTop)));
  result.known = true;
  EXPECT_TRUE(same(drawn(result), drawn(kTop)));
  result.known = false;
  cv::Mat unknown = grey_picture(320, 240);
  draw_unknown(unknown);
  EXPECT_TRUE(same(drawn(result), unknown));
}

TEST(DrawClassification, ShowsTheSteadyNameAboveTheFramesOtherGuesses) {
  Classification result{kTop, {}};
  result.steady = SteadyLabel{.index = kTop[1].index, .label = kTop[1].label, .score = 0.5};
  EXPECT_TRUE(same(drawn(result), drawn({{kTop[1].index, kTop[1].label, 0.5}, kTop[0], kTop[2]})));
  result.known = false;
  EXPECT_TRUE(same(drawn(result), drawn({{kTop[1].index, kTop[1].label, 0.5}}))) << "guesses of no worth";
  result.known = true;
  result.steady = SteadyLabel{.index = std::nullopt, .label = kUnknownLabel};
  cv::Mat unknown = grey_picture(320, 240);
  draw_unknown(unknown);
  EXPECT_TRUE(same(drawn(result), unknown));
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
  const Rgb color = class_color(1);
  cv::Mat found;
  const cv::Scalar bgr(color.b, color.g, color.r);
  cv::inRange(image, bgr, bgr, found);
  EXPECT_GT(cv::countNonZero(found), 0);
}

cv::Vec3b pixel_of(const Rgb& color) { return {color.b, color.g, color.r}; }

/// The grey picture's pixel inside an area of this colour.
cv::Vec3b tinted(const Rgb& color) {
  return pixel_of({uint8_t(64 + color.r / 2), uint8_t(64 + color.g / 2), uint8_t(64 + color.b / 2)});
}

TEST_P(DrawnSize, MaskTintsItsClassesAndLeavesTheBackground) {
  cv::Mat image = grey_picture(GetParam().width, GetParam().height);
  Segmentation mask;
  mask.labels = cv::Mat(GetParam(), CV_8UC1, cv::Scalar(0));
  const int last = GetParam().width - 1;
  mask.labels.colRange(last - 9, last + 1).setTo(15);
  mask.labels.col(last - 10).setTo(255);
  mask.classes = class_shares(mask.labels, {"background"});
  draw_mask(image, mask);
  const int bottom = GetParam().height - 1;  // below the legend
  const cv::Vec3b color = pixel_of(class_color(15));
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last), tinted(class_color(15)));
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last - 9), color) << "the edge";
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last - 10), cv::Vec3b(64, 64, 64)) << "void";
  EXPECT_EQ(image.at<cv::Vec3b>(bottom, last - 11), cv::Vec3b(128, 128, 128));
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
  EXPECT_EQ(image.at<cv::Vec3b>(99, 99), tinted(class_color(0)));
}

TEST(DrawMask, LegendLeavesOutWhatWouldBeNothing) {
  Segmentation mask;
  mask.labels = cv::Mat(400, 400, CV_8UC1, cv::Scalar(0));
  mask.labels.at<uint8_t>(399, 399) = 2;  // 0.0006 %
  const auto drawn = [&](const std::vector<std::string>& names) {
    cv::Mat image = grey_picture(400, 400);
    mask.classes = class_shares(mask.labels, names);
    draw_mask(image, mask);
    return image;
  };
  EXPECT_EQ(cv::norm(drawn({"road", "car", "tree"}), drawn({"road", "car", "house"}), cv::NORM_INF), 0.0);
  EXPECT_GT(cv::norm(drawn({"road", "car", "tree"}), drawn({"path", "car", "tree"}), cv::NORM_INF), 0.0);
}

/// What a classification of these scores covers.
cv::Rect panel_of(const cv::Size& size, const std::vector<ClassScore>& top) {
  cv::Mat image = grey_picture(size.width, size.height);
  draw_classes(image, top);
  return changed_part(image);
}

TEST(DrawClasses, LeavesOutWhatWouldBeNothing) {
  const std::vector<ClassScore> sure = {{0, "cat", 0.9999}, {1, "a very much longer label", 0.0001}};
  const std::vector<ClassScore> alone = {{0, "cat", 0.9999}};
  EXPECT_EQ(panel_of({640, 480}, sure), panel_of({640, 480}, alone));
}

TEST(DrawClasses, OfASmallPictureShowsTheBestGuessAndMostOfThePicture) {
  const std::vector<ClassScore> alone(kTop.begin(), kTop.begin() + 1);
  EXPECT_EQ(panel_of({64, 48}, kTop), panel_of({64, 48}, alone));
  EXPECT_LE(panel_of({64, 48}, {{0, "smiley", 0.895}}).height, 48 / 3);
}

TEST(DrawClasses, TheBestGuessIsNeverCut) {
  const std::string label = "American Staffordshire terrier, Staffordshire terrier";
  for (const cv::Size size : {cv::Size(100, 75), cv::Size(160, 120), cv::Size(320, 240), cv::Size(640, 480)}) {
    cv::Mat image = grey_picture(size.width, size.height);
    cv::Mat other = image.clone();
    draw_classes(image, std::vector<ClassScore>{{0, label + " a", 1.0}});
    draw_classes(other, std::vector<ClassScore>{{0, label + " b", 1.0}});
    EXPECT_GT(cv::norm(image, other, cv::NORM_INF), 0.0) << "the last letter is missing in " << size;
  }
}

TEST(DrawBoxes, TagsDoNotCoverEachOther) {
  const std::vector<FoundObject> close = {{1, "house", 0.98, {100.0F, 100.0F, 300.0F, 300.0F}},
                                          {2, "frog", 0.97, {102.0F, 101.0F, 290.0F, 290.0F}}};
  cv::Mat image = grey_picture(640, 480);
  draw_boxes(image, close);
  for (const FoundObject& object : close) {
    const Rgb color = class_color(object.index);
    cv::Mat found;
    const cv::Scalar bgr(color.b, color.g, color.r);
    cv::inRange(image, bgr, bgr, found);
    cv::erode(found, found, cv::Mat::ones(5, 5, CV_8U));  // boxes are thinner than tags
    EXPECT_GT(cv::countNonZero(found), 0) << object.label;
  }
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
