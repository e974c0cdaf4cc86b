// Palette pictures, run lengths and colours of masks.
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/images/image_io.h"
#include "pipeline/images/mask_png.h"
#include "pipeline/images/palette.h"
#include "pipeline/tasks/rle.h"
#include "pipeline/tasks/segmenter.h"

namespace zoo::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

cv::Mat labels_of(int rows, int columns, std::vector<uint8_t> values) {
  return cv::Mat(rows, columns, CV_8UC1, values.data()).clone();
}

TEST(VocPalette, HasTheColoursOfPascalVoc) {
  const auto& palette = voc_palette();
  EXPECT_EQ(palette[0], (Rgb{0, 0, 0}));
  EXPECT_EQ(palette[1], (Rgb{128, 0, 0}));
  EXPECT_EQ(palette[2], (Rgb{0, 128, 0}));
  EXPECT_EQ(palette[4], (Rgb{0, 0, 128}));
  EXPECT_EQ(palette[8], (Rgb{64, 0, 0}));
  EXPECT_EQ(palette[15], (Rgb{192, 128, 128}));
  EXPECT_EQ(palette[20], (Rgb{0, 64, 128}));
  EXPECT_EQ(palette[255], (Rgb{224, 224, 192}));
}

TEST(ClassColor, TellsClassesApart) {
  std::set<std::tuple<int, int, int>> colors;
  for (int64_t index = 0; index < 256; ++index) {
    const Rgb color = class_color(index);
    colors.insert({color.r, color.g, color.b});
    EXPECT_GE(color.r + color.g + color.b, 190) << "too dark: " << index;
    EXPECT_EQ(color, class_color(index));
    EXPECT_EQ(color, class_color(index + 256));
  }
  EXPECT_THAT(colors, SizeIs(256));
}

TEST(ClassColor, FirstClassesDifferMost) {
  for (int64_t index = 0; index < 10; ++index) {
    for (int64_t other = 0; other < index; ++other) {
      const Rgb a = class_color(index);
      const Rgb b = class_color(other);
      EXPECT_GE(std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b), 80) << index << " and " << other;
    }
  }
}

TEST(MaskPng, KeepsLabelsAsPaletteIndices) {
  cv::Mat labels(7, 300, CV_8UC1);
  for (int i = 0; i < 7 * 300; ++i) labels.data[i] = static_cast<uint8_t>(i);
  const std::vector<uint8_t> png = encode_mask_png(labels(cv::Rect(3, 1, 290, 5)));
  EXPECT_EQ(png.at(24), 8) << "bits per pixel";
  EXPECT_EQ(png.at(25), 3) << "colour type: palette";
  const cv::Mat picture = decode_image(png, "mask.png");
  ASSERT_EQ(picture.size(), cv::Size(290, 5));
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 290; ++x) {
      const Rgb& color = voc_palette()[labels.at<uint8_t>(y + 1, x + 3)];
      ASSERT_EQ(picture.at<cv::Vec3b>(y, x), cv::Vec3b(color.b, color.g, color.r)) << x << ',' << y;
    }
  }
}

TEST(MaskPng, RefusesWhatIsNoLabelMap) {
  EXPECT_THROW(encode_mask_png(cv::Mat()), Error);
  EXPECT_THROW(encode_mask_png(cv::Mat(2, 2, CV_8UC3)), Error);
  EXPECT_THROW(write_mask_png("/nowhere/mask.png", cv::Mat(2, 2, CV_8UC1, cv::Scalar(1))), IoError);
}

/// Nothing for a class that does not occur.
Runs plain_runs(const cv::Mat& labels, int index) {
  Runs runs = {0};
  bool inside = false;
  for (int x = 0; x < labels.cols; ++x) {
    for (int y = 0; y < labels.rows; ++y) {
      if ((labels.at<uint8_t>(y, x) == index) != inside) {
        inside = !inside;
        runs.push_back(0);
      }
      ++runs.back();
    }
  }
  return runs.size() > 1 ? runs : Runs();
}

TEST(Runs, CountColumnByColumn) {
  const cv::Mat labels = labels_of(2, 3, {0, 1, 0, 1, 1, 0});
  const auto runs = runs_by_class(labels);
  EXPECT_THAT(runs[1], ElementsAre(1, 3, 2));
  EXPECT_THAT(runs[0], ElementsAre(0, 1, 3, 2));
  EXPECT_THAT(runs[9], IsEmpty());
}

// Sizes around those of the pieces that a map is worked on in; also a part of a larger map.
TEST(Runs, AreThoseOfOneLoopPerClass) {
  std::mt19937 random(11);
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(64, 3), cv::Size(65, 9), cv::Size(200, 131), cv::Size(3, 300)}) {
    for (const unsigned change : {1U, 2U, 30U}) {
      cv::Mat whole(size.height, size.width + 5, CV_8UC1);
      for (int x = 0; x < whole.cols; ++x) {
        for (int y = 0; y < whole.rows; ++y) {
          const bool same = y > 0 && random() % change != 0;
          whole.at<uint8_t>(y, x) = same ? whole.at<uint8_t>(y - 1, x) : random() % 2 == 0 ? 255 : random() % 4;
        }
      }
      const cv::Mat labels = whole.colRange(3, 3 + size.width);
      const auto runs = runs_by_class(labels);
      for (int index = 0; index < 256; ++index) {
        ASSERT_EQ(runs[index], plain_runs(labels, index))
            << index << " in " << size.width << "x" << size.height << ", changes: " << change;
      }
    }
  }
}

TEST(Runs, OfAMapWithoutPixels) {
  for (const Runs& runs : runs_by_class(cv::Mat())) EXPECT_THAT(runs, IsEmpty());
}

TEST(Runs, OfASegmentationAreInTheOrderOfItsClasses) {
  Segmentation result;
  result.labels = labels_of(2, 3, {0, 1, 0, 1, 1, 0});
  result.classes = {{1, "cat", 0.5}, {0, "sky", 0.5}};
  EXPECT_THAT(mask_counts(result), ElementsAre(compress_runs({1, 3, 2}), compress_runs({0, 1, 3, 2})));
}

TEST(Runs, AreCompressedAsCocoDoes) {
  EXPECT_EQ(compress_runs({1, 3, 2}), "132");
  EXPECT_EQ(compress_runs({40}), "X1");            // 40 = 8 + 1 * 32: 48 + 32 + 8, 48 + 1
  EXPECT_EQ(compress_runs({16}), "`0");            // a lone 16 would be -16
  EXPECT_EQ(compress_runs({5, 5, 5, 3}), "555N");  // from the fourth on: 3 - 5 = -2 is 30 in five bits
  EXPECT_EQ(compress_runs({}), "");
}

TEST(Runs, SurviveTheWayThereAndBack) {
  std::mt19937 random(3);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<int64_t> runs(1 + random() % 20);
    for (int64_t& run : runs) run = static_cast<int64_t>(random() >> random() % 32);
    EXPECT_EQ(expand_runs(compress_runs(runs)), runs);
  }
}

TEST(Runs, RefuseTextThatIsNone) {
  for (const std::string text : {" ", "X", "\x7F", "ooooooooooooooooo"}) EXPECT_THROW(expand_runs(text), Error) << text;
}

TEST(ClassShares, AreSortedAndLeaveOutVoid) {
  const auto shares = class_shares(labels_of(2, 4, {2, 2, 2, 0, 1, 255, 255, 0}), {"sky", "cat"});
  ASSERT_THAT(shares, SizeIs(3));
  EXPECT_EQ(shares[0].label, "class 2");
  EXPECT_EQ(shares[0].share, 3 / 8.0);
  EXPECT_EQ(shares[1].label, "sky");
  EXPECT_EQ(shares[2].label, "cat");
  EXPECT_THAT(class_shares(labels_of(1, 1, {255}), {}), IsEmpty());
}

}  // namespace
}  // namespace zoo::pipeline
