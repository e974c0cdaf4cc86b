#include "pipeline/text/text_piece.h"

#include <string>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

namespace zoo::pipeline {
namespace {

TextPiece piece_of(int side) {
  TextPiece piece;
  piece.cover = cv::Mat(side, side, CV_8UC1, cv::Scalar(255));
  piece.width = side;
  return piece;
}

TEST(TextPieces, KeepWhatWasUsedLastWithinTheirBytes) {
  TextPieces pieces;
  constexpr int kSide = 1000;  // a megabyte
  pieces.add({"first", 10, 10}, piece_of(kSide));
  for (int i = 0; i < 100; ++i) {
    pieces.add({std::to_string(i), 10, 10}, piece_of(kSide));
    EXPECT_NE(pieces.find({"first", 10, 10}), nullptr) << "used a moment ago";
    EXPECT_LE(pieces.bytes(), TextPieces::kMaxBytes);
  }
  EXPECT_EQ(pieces.find({"0", 10, 10}), nullptr);
  EXPECT_NE(pieces.find({"99", 10, 10}), nullptr);
  EXPECT_EQ(pieces.find({"99", 11, 10}), nullptr);
  EXPECT_EQ(pieces.find({"99", 10, 11}), nullptr);
}

TEST(TextPieces, OneThatIsTooLargeIsKeptForItself) {
  TextPieces pieces;
  pieces.add({"small", 10, 10}, piece_of(10));
  EXPECT_EQ(pieces.add({"large", 10, 10}, piece_of(6000)).width, 6000);
  EXPECT_EQ(pieces.find({"small", 10, 10}), nullptr);
}

TEST(Blend, MixesByCoverAndClips) {
  TextPiece piece = piece_of(3);
  piece.cover.at<uint8_t>(0, 0) = 0;
  piece.cover.at<uint8_t>(1, 1) = 51;
  piece.offset = {-1, -1};
  cv::Mat image(2, 2, CV_8UC3, cv::Scalar::all(100));
  blend(image, piece, {0, 0}, {200, 0, 100});
  EXPECT_EQ(image.at<cv::Vec3b>(0, 0), cv::Vec3b(100, 80, 120)) << "a fifth";
  EXPECT_EQ(image.at<cv::Vec3b>(1, 1), cv::Vec3b(100, 0, 200)) << "all";
}

}  // namespace
}  // namespace zoo::pipeline
