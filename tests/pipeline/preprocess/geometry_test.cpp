// A white rectangle on black goes through the real preprocessing; what the network would see of it is measured there
// and must come back to where it was drawn.
#include "pipeline/preprocess/geometry.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

namespace zoo::pipeline {
namespace {

using heads::Box;
using models::PreprocessConfig;

struct Case {
  const char* name;
  PreprocessConfig config;
  bool cuts;  ///< parts of the picture
};

PreprocessConfig plain(std::vector<int64_t> resize, std::vector<int64_t> crop) {
  return {.resize = std::move(resize), .crop = std::move(crop), .mean = {0, 0, 0}, .std = {1, 1, 1}};
}

PreprocessConfig letterbox(int64_t height, int64_t width, models::Letterbox::Position position) {
  PreprocessConfig config = plain({}, {});
  config.letterbox = models::Letterbox{{height, width}, {}, position};
  return config;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"exact", plain({320, 320}, {}), false},
      {"wide", plain({192, 416}, {}), false},
      {"shorter_side", plain({288}, {}), false},
      {"as_it_is", plain({}, {}), false},
      {"crop", plain({256}, {224}), true},
      {"crop_of_exact", plain({300, 340}, {256, 288}), true},
      {"crop_only", plain({}, {200, 240}), true},
      {"padding_crop", plain({160}, {400, 380}), false},
      {"letterbox", letterbox(320, 320, models::Letterbox::Position::kCenter), false},
      {"letterbox_top_left", letterbox(256, 384, models::Letterbox::Position::kTopLeft), false},
  };
  return kCases;
}

/// One channel of the tensor.
cv::Mat seen(Preprocessor& preprocessor, const cv::Mat& frame) {
  const auto [height, width] = preprocessor.output_size(frame.rows, frame.cols);
  std::vector<float> tensor(static_cast<size_t>(3 * height * width));
  preprocessor.run(frame, tensor);
  return cv::Mat(static_cast<int>(height), static_cast<int>(width), CV_32F, tensor.data()).clone();
}

/// Edges of the white part of a line, to a fraction of a pixel: filters blur an edge evenly to both sides.
std::pair<double, double> edges(const cv::Mat& line) {
  cv::Mat flat;
  cv::threshold(line.reshape(1, 1), flat, 0.5, 1.0, cv::THRESH_BINARY);
  int first = 0;
  while (first < flat.cols && flat.at<float>(first) == 0.0F) ++first;
  int last = flat.cols;
  while (last > first && flat.at<float>(last - 1) == 0.0F) --last;
  const int middle = (first + last) / 2;
  return {middle - cv::sum(line.reshape(1, 1).colRange(0, middle))[0],
          middle + cv::sum(line.reshape(1, 1).colRange(middle, flat.cols))[0]};
}

class Mapped : public ::testing::TestWithParam<Case> {};

TEST_P(Mapped, BoxesReturnToWhereTheyWereWithinHalfAPixel) {
  std::mt19937 random(7);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  Preprocessor preprocessor(GetParam().config);
  int measured = 0;
  for (int repeat = 0; repeat < 30; ++repeat) {
    const cv::Size size = repeat % 2 == 0 ? cv::Size(pick(400, 900), pick(240, 500))   // landscape
                                          : cv::Size(pick(240, 500), pick(400, 900));  // portrait
    const cv::Rect object(cv::Point(pick(8, size.width / 2), pick(8, size.height / 2)),
                          cv::Size(pick(40, size.width / 2 - 20), pick(40, size.height / 2 - 20)));
    const FrameMapping mapping(preprocessor.geometry(size.height, size.width), size);
    const Box drawn = {static_cast<float>(object.x), static_cast<float>(object.y), static_cast<float>(object.br().x),
                       static_cast<float>(object.br().y)};
    // Objects that the crop cuts cannot come back.
    const Box whole = mapping.to_source({-1e6F, -1e6F, 1e6F, 1e6F});
    if (drawn.x0 < whole.x0 + 4 || drawn.y0 < whole.y0 + 4 || drawn.x1 > whole.x1 - 4 || drawn.y1 > whole.y1 - 4) {
      ASSERT_TRUE(GetParam().cuts);
      continue;
    }
    cv::Mat frame(size, CV_8UC3, cv::Scalar(0, 0, 0));
    frame(object).setTo(cv::Scalar(255, 255, 255));
    const cv::Mat tensor = seen(preprocessor, frame);
    const Box expected = mapping.to_input(drawn);
    const auto [x0, x1] = edges(tensor.row(static_cast<int>((expected.y0 + expected.y1) / 2)));
    const auto [y0, y1] = edges(tensor.col(static_cast<int>((expected.x0 + expected.x1) / 2)).clone());
    const Box back = mapping.to_source(
        {static_cast<float>(x0), static_cast<float>(y0), static_cast<float>(x1), static_cast<float>(y1)});
    SCOPED_TRACE(::testing::Message() << size << ' ' << object);
    EXPECT_NEAR(back.x0, drawn.x0, 0.5);
    EXPECT_NEAR(back.y0, drawn.y0, 0.5);
    EXPECT_NEAR(back.x1, drawn.x1, 0.5);
    EXPECT_NEAR(back.y1, drawn.y1, 0.5);
    ++measured;
  }
  EXPECT_GE(measured, GetParam().cuts ? 1 : 30);
}

TEST_P(Mapped, MasksReturnToWhereTheyWere) {
  std::mt19937 random(11);
  Preprocessor preprocessor(GetParam().config);
  for (const cv::Size size : {cv::Size(500, 310), cv::Size(290, 470)}) {
    const cv::Rect object(size.width / 3, size.height / 3, size.width / 4, size.height / 4);
    cv::Mat frame(size, CV_8UC3, cv::Scalar(0, 0, 0));
    frame(object).setTo(cv::Scalar(255, 255, 255));
    const cv::Mat tensor = seen(preprocessor, frame);
    std::vector<float> logits(2 * tensor.total());  // class 1 where the input is white
    for (size_t i = 0; i < tensor.total(); ++i) {
      logits[i] = 0.5F;
      logits[tensor.total() + i] = tensor.ptr<float>()[i];
    }
    const FrameMapping mapping(preprocessor.geometry(size.height, size.width), size);
    cv::Mat labels(size, CV_8UC1);
    heads::label_map(logits, 2, {tensor.rows, tensor.cols}, mapping.rows(tensor.rows), mapping.columns(tensor.cols),
                     {labels.data, labels.total()});

    const Box whole = mapping.to_source({-1e6F, -1e6F, 1e6F, 1e6F});
    int wrong = 0;
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        const bool cut = x + 0.5 < whole.x0 || x + 0.5 > whole.x1 || y + 0.5 < whole.y0 || y + 0.5 > whole.y1;
        const int expected = cut ? heads::kVoidLabel : object.contains({x, y}) ? 1 : 0;
        if (labels.at<uint8_t>(y, x) != expected) ++wrong;
      }
    }
    // A pixel on the edge may fall to the other side, and the object's corners come back rounded.
    EXPECT_LE(wrong, 2 * (object.width + object.height)) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(Preprocessings, Mapped, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(FrameMapping, CutsBoxesToThePicture) {
  const Preprocessor preprocessor(letterbox(100, 100, models::Letterbox::Position::kCenter));
  const FrameMapping mapping(preprocessor.geometry(200, 400), {400, 200});  // rows 25 to 75
  EXPECT_EQ(mapping.to_source({0.0F, 0.0F, 100.0F, 100.0F}), (Box{0.0F, 0.0F, 400.0F, 200.0F}));
  EXPECT_EQ(mapping.to_source({10.0F, 35.0F, 20.0F, 45.0F}), (Box{40.0F, 40.0F, 80.0F, 80.0F}));
  EXPECT_EQ(mapping.to_source({10.0F, 0.0F, 20.0F, 20.0F}), (Box{40.0F, 0.0F, 80.0F, 0.0F}));
}

}  // namespace
}  // namespace zoo::pipeline
