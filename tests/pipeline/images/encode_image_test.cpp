// What is written is what another reader, OpenCV's, finds in the file, and what our own does.
#include "pipeline/images/encode_image.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/images/image_io.h"
#include "tests/pipeline/fixture_data.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

using ::testing::HasSubstr;
using testing::picture;

double distance(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() ? cv::norm(a, b, cv::NORM_INF) : 1000.0;
}

/// A part of a larger picture, whose rows do not follow each other in memory.
cv::Mat part_of_picture(cv::Size size) {
  return picture(size.width + 5, size.height + 3, 3, 2)(cv::Rect(2, 1, size.width, size.height));
}

TEST(EncodeImage, WritesWithoutLossWhatOthersRead) {
  for (const char* extension : {".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pnm", ".PNG", ".Tif"}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(37, 29), cv::Size(300, 2), cv::Size(5, 700)}) {
      const cv::Mat image = part_of_picture(size);
      const std::vector<uint8_t> bytes = encode_image(image, extension);
      EXPECT_EQ(distance(cv::imdecode(bytes, cv::IMREAD_UNCHANGED), image), 0.0) << extension << " " << size;
      EXPECT_EQ(distance(decode_image(bytes, "x"), image), 0.0) << extension << " " << size;
    }
  }
}

TEST(EncodeImage, WritesJpegAsOpenCvDoes) {
  const cv::Mat image = part_of_picture({37, 29});
  std::vector<uint8_t> expected;
  cv::imencode(".jpg", image, expected);
  for (const char* extension : {".jpg", ".jpeg", ".jpe", ".JPG"}) EXPECT_EQ(encode_image(image, extension), expected);
}

TEST(EncodeImage, WritesGreyPictures) {
  cv::Mat gray;
  cv::extractChannel(picture(37, 29, 3, 2), gray, 0);
  EXPECT_EQ(distance(cv::imdecode(encode_image(gray, ".png"), cv::IMREAD_UNCHANGED), gray), 0.0);
  for (const char* extension : {".bmp", ".webp", ".tif", ".ppm"}) {
    cv::Mat back;
    cv::extractChannel(cv::imdecode(encode_image(gray, extension), cv::IMREAD_COLOR), back, 1);
    EXPECT_EQ(distance(back, gray), 0.0) << extension;
  }
}

TEST(EncodeImage, KnowsWhatItCannotWrite) {
  EXPECT_TRUE(can_encode(".webp", {16'383, 16'383}));
  EXPECT_FALSE(can_encode(".webp", {16'384, 1}));
  EXPECT_TRUE(can_encode(".jpg", {1, 65'500}));
  EXPECT_FALSE(can_encode(".jpg", {1, 65'501}));
  for (const char* extension : {"", ".", ".pgm", ".gif", ".jp2", ".exr", "png"}) {
    EXPECT_FALSE(can_encode(extension, {1, 1})) << extension;
  }
  try {
    encode_image(picture(4, 3, 3, 2), ".gif");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a picture of 4x3 pixels cannot be written as \".gif\"; \".png\" takes it");
  }
  EXPECT_THROW(encode_image(cv::Mat(), ".png"), Error);
  EXPECT_THROW(encode_image(cv::Mat(3, 4, CV_32FC3, cv::Scalar::all(0)), ".png"), Error);
}

TEST(EncodeImage, WritesFiles) {
  const test::TempFolder folder;
  const cv::Mat image = part_of_picture({37, 29});
  write_image(folder / "a.png", image);
  EXPECT_EQ(distance(read_image(folder / "a.png"), image), 0.0);
  EXPECT_THROW(write_image(folder / "none/a.png", image), IoError);
}

}  // namespace
}  // namespace zoo::pipeline
