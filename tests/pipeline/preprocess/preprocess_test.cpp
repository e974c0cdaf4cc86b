#include "pipeline/preprocess/preprocess.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <opencv2/imgproc.hpp>

#include "nn/core/error.h"
#include "tests/pipeline/fixture_data.h"

namespace zoo::pipeline {
namespace {

using models::ColorOrder;
using models::Interpolation;
using models::PreprocessConfig;
using testing::checksum;
using testing::picture;

template <typename T>
std::vector<T> numbers(const std::string& text) {
  std::vector<T> values;
  if (text == "-") return values;
  std::istringstream stream(text);
  for (std::string value; std::getline(stream, value, ',');) values.push_back(static_cast<T>(std::stod(value)));
  return values;
}

Interpolation interpolation_of(const std::string& name) {
  static const std::map<std::string, Interpolation> kInterpolations = {{"nearest", Interpolation::kNearest},
                                                                       {"bilinear", Interpolation::kBilinear},
                                                                       {"bicubic", Interpolation::kBicubic},
                                                                       {"lanczos", Interpolation::kLanczos}};
  return kInterpolations.at(name);
}

ColorOrder color_of(const std::string& name) {
  static const std::map<std::string, ColorOrder> kColors = {
      {"rgb", ColorOrder::kRgb}, {"bgr", ColorOrder::kBgr}, {"gray", ColorOrder::kGray}};
  return kColors.at(name);
}

PreprocessConfig config_of(const std::vector<std::string>& fields) {
  return {.resize = numbers<int64_t>(fields.at(3)),
          .crop = numbers<int64_t>(fields.at(4)),
          .interpolation = interpolation_of(fields.at(5)),
          .mean = numbers<float>(fields.at(6)),
          .std = numbers<float>(fields.at(7)),
          .color = color_of(fields.at(8))};
}

std::string text_of(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) text += field + ' ';
  return text;
}

/// The picture that a table's first three columns describe.
cv::Mat frame_of(const std::vector<std::string>& fields) {
  cv::Mat frame;
  cv::cvtColor(picture(std::stoi(fields.at(0)), std::stoi(fields.at(1)), 3, std::stoull(fields.at(2))), frame,
               cv::COLOR_RGB2BGR);
  return frame;
}

std::vector<float> run(Preprocessor& preprocessor, const cv::Mat& frame) {
  const auto [height, width] = preprocessor.output_size(frame.rows, frame.cols);
  std::vector<float> tensor(preprocessor.config().mean.size() * static_cast<size_t>(height * width),
                            std::numeric_limits<float>::quiet_NaN());
  preprocessor.run(frame, tensor);
  return tensor;
}

std::vector<float> run(const PreprocessConfig& config, const cv::Mat& frame) {
  Preprocessor preprocessor(config);
  return run(preprocessor, frame);
}

TEST(Preprocess, EqualsPillowAndNumpyBitForBit) {
  const std::vector<std::vector<std::string>> table = testing::read_table("preprocess/pillow_numpy.tsv");
  ASSERT_EQ(table.size(), 100U);
  for (const std::vector<std::string>& fields : table) {
    const std::string description = text_of(fields);
    const cv::Mat frame = frame_of(fields);
    Preprocessor preprocessor(config_of(fields));
    const std::vector<int64_t> shape = numbers<int64_t>(fields.at(9));
    const std::array<int64_t, 2> size = preprocessor.output_size(frame.rows, frame.cols);
    ASSERT_EQ(size, (std::array<int64_t, 2>{shape.at(1), shape.at(2)})) << description;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const std::vector<float> tensor = run(preprocessor, frame);
      EXPECT_EQ(checksum(std::as_bytes(std::span(tensor))), fields.at(10)) << description << "run " << repeat;
    }
  }
}

TEST(Preprocess, LetterboxEqualsPillowsPadBitForBit) {
  const std::vector<std::vector<std::string>> table = testing::read_table("preprocess/pillow_letterbox.tsv");
  ASSERT_EQ(table.size(), 46U);
  for (const std::vector<std::string>& fields : table) {
    const std::string description = text_of(fields);
    const cv::Mat frame = frame_of(fields);
    const auto size = numbers<int64_t>(fields.at(3));
    const auto position =
        fields.at(5) == "center" ? models::Letterbox::Position::kCenter : models::Letterbox::Position::kTopLeft;
    const PreprocessConfig config{
        .resize = {},
        .crop = {},
        .letterbox = models::Letterbox{{size.at(0), size.at(1)}, numbers<uint8_t>(fields.at(4)), position},
        .interpolation = interpolation_of(fields.at(6)),
        .mean = numbers<float>(fields.at(7)),
        .std = numbers<float>(fields.at(8)),
        .color = color_of(fields.at(9))};
    const std::vector<float> tensor = run(config, frame);
    EXPECT_EQ(checksum(std::as_bytes(std::span(tensor))), fields.at(10)) << description;
  }
}

TEST(Preprocess, LetterboxNeverLosesASide) {
  const PreprocessConfig config{.resize = {}, .crop = {}, .letterbox = models::Letterbox{{32, 32}}};
  EXPECT_EQ(Preprocessor(config).geometry(1, 5000).resized, cv::Size(32, 1));
  EXPECT_EQ(Preprocessor(config).geometry(5000, 1).resized, cv::Size(1, 32));
}

TEST(Preprocess, ResizesFloatsAsTorchvisionsDetectors) {
  const std::vector<std::vector<std::string>> table = testing::read_table("preprocess/torch_bilinear.tsv");
  ASSERT_EQ(table.size(), 12U);
  for (const std::vector<std::string>& fields : table) {
    const cv::Mat frame = frame_of(fields);
    Preprocessor preprocessor({.resize = numbers<int64_t>(fields.at(3)),
                               .crop = {},
                               .interpolation = Interpolation::kTorchBilinear,
                               .mean = numbers<float>(fields.at(4)),
                               .std = numbers<float>(fields.at(5))});
    const std::vector<float> tensor = run(preprocessor, frame);
    const std::vector<int64_t> shape = numbers<int64_t>(fields.at(6));
    ASSERT_EQ(static_cast<int64_t>(tensor.size()), shape.at(0) * shape.at(1) * shape.at(2));
    const std::vector<size_t> indices = numbers<size_t>(fields.at(7));
    const std::vector<float> expected = numbers<float>(fields.at(8));
    ASSERT_EQ(indices.size(), expected.size());
    for (size_t i = 0; i < indices.size(); ++i) {
      EXPECT_NEAR(tensor.at(indices[i]), expected[i], 1e-5F) << "value " << indices[i] << " of picture " << fields[2];
    }
  }
}

TEST(Preprocess, ResizesFloatsOnlyWhereTheCropLies) {
  PreprocessConfig config = {
      .resize = {40, 50}, .crop = {}, .interpolation = Interpolation::kTorchBilinear, .mean = {0.5F}, .std = {0.5F}};
  config.color = ColorOrder::kGray;
  const cv::Mat frame = picture(33, 21, 1, 0);
  const std::vector<float> whole = run(config, frame);
  config.crop = {10, 60};
  const std::vector<float> cropped = run(config, frame);
  for (size_t y = 0; y < 10; ++y) {
    for (size_t x = 0; x < 60; ++x) {
      // Rows 15 to 24; five columns of black on either side.
      const bool inside = x >= 5 && x < 55;
      EXPECT_EQ(cropped[y * 60 + x], inside ? whole[(y + 15) * 50 + x - 5] : -1.0F) << y << ", " << x;
    }
  }
}

TEST(Preprocess, TakesAGreyFrameForThreeEqualChannels) {
  const cv::Mat gray = picture(61, 47, 1, 0);
  cv::Mat color;
  cv::cvtColor(gray, color, cv::COLOR_GRAY2BGR);
  const PreprocessConfig rgb{.resize = {32}, .crop = {24}};
  EXPECT_EQ(run(rgb, gray), run(rgb, color));
  const PreprocessConfig luma{.resize = {32}, .crop = {24}, .mean = {0.5F}, .std = {0.25F}, .color = ColorOrder::kGray};
  EXPECT_EQ(run(luma, gray), run(luma, color));
}

TEST(Preprocess, FollowsFramesOfChangingSize) {
  Preprocessor preprocessor(PreprocessConfig{.resize = {20}, .crop = {24}});
  for (const auto& [width, height] : {std::pair{40, 30}, {30, 40}, {7, 90}, {24, 24}, {40, 30}}) {
    const cv::Mat frame = picture(width, height, 3, 0);
    EXPECT_EQ(run(preprocessor, frame), run(preprocessor.config(), frame)) << width << 'x' << height;
  }
}

TEST(Preprocess, SaysWhereThePictureLies) {
  const Preprocessor cropping(PreprocessConfig{.resize = {256}, .crop = {224}});
  const PreprocessGeometry crop = cropping.geometry(1080, 1920);
  EXPECT_EQ(crop.resized, cv::Size(455, 256));
  EXPECT_EQ(crop.window, cv::Rect(116, 16, 224, 224));  // (455 - 224) / 2 = 115.5, to the even 116
  EXPECT_EQ(crop.origin, cv::Point(0, 0));
  EXPECT_EQ(crop.output, cv::Size(224, 224));

  const Preprocessor padding(PreprocessConfig{.resize = {}, .crop = {10, 7}});
  const PreprocessGeometry pad = padding.geometry(5, 4);
  EXPECT_EQ(pad.resized, cv::Size(4, 5));
  EXPECT_EQ(pad.window, cv::Rect(0, 0, 4, 5));
  EXPECT_EQ(pad.origin, cv::Point(1, 2));
  EXPECT_EQ(pad.output, cv::Size(7, 10));
}

TEST(Preprocess, RoundsTheCropToEven) {
  // Python's round: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, 3.5 -> 4.
  const Preprocessor preprocessor(PreprocessConfig{.resize = {}, .crop = {10}});
  for (const auto& [size, first] : {std::pair{11, 0}, {12, 1}, {13, 2}, {14, 2}, {15, 2}, {16, 3}, {17, 4}}) {
    EXPECT_EQ(preprocessor.geometry(size, size).window.x, first) << size;
  }
}

template <typename Function>
std::string error_of(Function function) {
  try {
    function();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Preprocess, RefusesFramesItCannotUse) {
  Preprocessor preprocessor(PreprocessConfig{});
  std::vector<float> tensor(size_t{3} * 224 * 224);
  EXPECT_EQ(error_of([&] { preprocessor.run(cv::Mat(), tensor); }),
            "cannot preprocess a frame of 0x0 pixels with 1 channels and OpenCV depth 0: it must be 8 bit with 1 or 3 "
            "channels and not empty");
  EXPECT_EQ(error_of([&] { preprocessor.run(cv::Mat(4, 5, CV_32FC3), tensor); }),
            "cannot preprocess a frame of 5x4 pixels with 3 channels and OpenCV depth 5: it must be 8 bit with 1 or 3 "
            "channels and not empty");
  EXPECT_EQ(error_of([&] { preprocessor.run(picture(8, 8, 3, 0), std::span(tensor).subspan(1)); }),
            "preprocessing yields 3x224x224 values, but there is room for 150527");
  EXPECT_EQ(error_of([&] { preprocessor.output_size(0, 5); }), "cannot preprocess a frame of 5x0 pixels");
  EXPECT_EQ(error_of([&] { preprocessor.output_size(1, 100'000'000); }),
            "a picture of 100000000 x 1 pixels, resized to 256 on the shorter side, would be 25600000000 pixels long");
}

TEST(Preprocess, RefusesContradictingConfigurations) {
  const auto error = [](const PreprocessConfig& config) { return error_of([&] { Preprocessor p(config); }); };
  EXPECT_EQ(error({.resize = {0}}), "preprocess.resize: must be one or two sizes from 1 to 2147483647");
  EXPECT_EQ(error({.crop = {1, 2, 3}}), "preprocess.crop: must be one or two sizes from 1 to 2147483647");
  EXPECT_EQ(error({.mean = {0.5F}}), "preprocess: 1 value of mean, but 3 of std");
  EXPECT_EQ(error({.mean = {0.5F}, .std = {0.5F}}), "preprocess: a colour picture has 3 channels, but mean has 1");
  EXPECT_EQ(error({.std = {0.5F, 0.0F, 0.5F}}), "preprocess.std: must not be 0");
}

}  // namespace
}  // namespace zoo::pipeline
