#include "pipeline/preprocess/resample.h"

#include <map>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "pipeline/preprocess/resample_kernels.h"
#include "tests/pipeline/fixture_data.h"

namespace zoo::pipeline {
namespace {

using models::Interpolation;
using testing::bytes_of;
using testing::checksum;
using testing::picture;

Interpolation interpolation_of(const std::string& name) {
  static const std::map<std::string, Interpolation> kNames = {{"nearest", Interpolation::kNearest},
                                                              {"bilinear", Interpolation::kBilinear},
                                                              {"bicubic", Interpolation::kBicubic},
                                                              {"lanczos", Interpolation::kLanczos}};
  return kNames.at(name);
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

struct Case {
  Interpolation interpolation;
  cv::Mat source;
  cv::Size size;
  std::string checksum;
  std::string pixels;
  std::string description;
};

std::vector<Case> pillow_cases() {
  std::vector<Case> cases;
  for (const std::vector<std::string>& f : testing::read_table("resample/pillow.tsv")) {
    cases.push_back({interpolation_of(f.at(0)),
                     picture(std::stoi(f.at(2)), std::stoi(f.at(3)), std::stoi(f.at(1)), std::stoull(f.at(6))),
                     cv::Size(std::stoi(f.at(4)), std::stoi(f.at(5))), f.at(7), f.at(8),
                     fmt::format("{} {} channels {}x{} -> {}x{} seed {}", f[0], f[1], f[2], f[3], f[4], f[5], f[6])});
  }
  return cases;
}

TEST(Resample, EqualsPillowBitForBit) {
  const std::vector<Case> cases = pillow_cases();
  ASSERT_GT(cases.size(), 700U);
  for (const Case& c : cases) {
    const cv::Mat result = resize_image(c.source, c.size, c.interpolation);
    ASSERT_EQ(result.size(), c.size);
    if (c.pixels != "-") {
      EXPECT_EQ(hex(bytes_of(result)), c.pixels) << c.description;
    }
    EXPECT_EQ(checksum(bytes_of(result)), c.checksum) << c.description;
  }
}

TEST(Resample, YieldsAnyWindowOfTheWholeResult) {
  std::mt19937 random(7);
  const auto up_to = [&random](int most) { return std::uniform_int_distribution(0, most)(random); };
  cv::Mat part;
  for (const Case& c : pillow_cases()) {
    if (c.size.area() > 20000) continue;
    const cv::Mat whole = resize_image(c.source, c.size, c.interpolation);
    Resampler resampler(c.interpolation);
    for (int i = 0; i < 3; ++i) {
      const cv::Point at(up_to(c.size.width - 1), up_to(c.size.height - 1));
      const cv::Rect window(at, cv::Size(1 + up_to(c.size.width - at.x - 1), 1 + up_to(c.size.height - at.y - 1)));
      resampler.run(c.source, c.size, window, part);
      EXPECT_EQ(checksum(bytes_of(part)), checksum(bytes_of(whole(window).clone())))
          << c.description << " window " << window.x << ',' << window.y << ' ' << window.width << 'x' << window.height;
    }
  }
}

TEST(Resample, ReadsPicturesWithGapsBetweenTheirRows) {
  const cv::Mat large = picture(80, 60, 3, 0);
  const cv::Mat part = large(cv::Rect(11, 7, 41, 33));
  for (const cv::Size size : {cv::Size(20, 17), cv::Size(41, 17), cv::Size(20, 33), cv::Size(90, 70)}) {
    EXPECT_EQ(checksum(bytes_of(resize_image(part, size, Interpolation::kBicubic))),
              checksum(bytes_of(resize_image(part.clone(), size, Interpolation::kBicubic))));
  }
}

TEST(Resample, AlternatesBetweenSizesWithOneObject) {
  Resampler resampler(Interpolation::kBilinear);
  const cv::Mat first = picture(50, 40, 3, 0);
  const cv::Mat second = picture(31, 77, 1, 3);
  const cv::Size size(24, 24);
  const cv::Rect all(0, 0, 24, 24);
  cv::Mat result;
  for (int i = 0; i < 3; ++i) {
    for (const cv::Mat& source : {first, second}) {
      resampler.run(source, size, all, result);
      EXPECT_EQ(checksum(bytes_of(result)), checksum(bytes_of(resize_image(source, size, Interpolation::kBilinear))));
    }
  }
}

TEST(Resample, KeepsItsMemoryWhileSizesStay) {
  Resampler resampler(Interpolation::kBilinear);
  cv::Mat result;
  resampler.run(picture(50, 40, 3, 0), cv::Size(24, 20), cv::Rect(2, 2, 20, 16), result);
  const uint8_t* memory = result.data;
  resampler.run(picture(50, 40, 3, 1), cv::Size(24, 20), cv::Rect(2, 2, 20, 16), result);
  EXPECT_EQ(result.data, memory);
}

// A table as the resampler makes it, with random weights of Pillow's magnitude.
FilterTable random_table(int count, int in_size, std::mt19937& random) {
  FilterTable table;
  table.count = count;
  table.stride = 12;
  table.in_begin = 3;
  table.in_end = in_size;
  for (int i = 0; i < count; ++i) {
    const int taps = std::uniform_int_distribution(1, 11)(random);
    table.taps.push_back(taps);
    table.start.push_back(std::uniform_int_distribution(3, in_size - taps)(random));
    for (int group = 0; group < 3; ++group) {
      int32_t weights[4] = {};
      for (int k = 0; k < 4; ++k) {
        if (group * 4 + k < taps) weights[k] = std::uniform_int_distribution(-500'000, 1'000'000)(random);
      }
      table.weights.insert(table.weights.end(), weights, weights + 4);
    }
  }
  table.split();
  return table;
}

TEST(ResampleKernels, WeightBytesAddUp) {
  for (const int32_t weight : {0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32769, 1 << 22, -(1 << 22), 7'900'000}) {
    const WeightBytes bytes(weight);
    EXPECT_EQ(bytes.upper * 65536 + bytes.middle * 256 + bytes.lower, weight);
  }
}

void expect_same_bits(const ResampleKernels& portable, const ResampleKernels& kernels, unsigned round) {
  SCOPED_TRACE(fmt::format("{}, round {}", kernels.name, round));
  std::mt19937 random(round);
  const FilterTable table = random_table(1 + static_cast<int>(round), 60, random);
  for (const int channels : {1, 3}) {
    const cv::Mat source = picture(60 + 32, kRowsPerStep, channels, round);
    cv::Mat expected(kRowsPerStep, table.count, CV_8UC(channels));
    cv::Mat found = expected.clone();
    const uint8_t* in[kRowsPerStep];
    uint8_t* out_expected[kRowsPerStep];
    uint8_t* out_found[kRowsPerStep];
    for (int r = 0; r < kRowsPerStep; ++r) {
      in[r] = source.ptr(r);
      out_expected[r] = expected.ptr(r);
      out_found[r] = found.ptr(r);
    }
    (channels == 3 ? portable.horizontal3 : portable.horizontal1)(table, in, out_expected);
    (channels == 3 ? kernels.horizontal3 : kernels.horizontal1)(table, in, out_found);
    EXPECT_EQ(checksum(bytes_of(found)), checksum(bytes_of(expected)));
  }
  const cv::Mat rows = picture(500 + static_cast<int>(round) * 3, 12, 1, round);
  cv::Mat expected(1, rows.cols, CV_8UC1);
  cv::Mat found = expected.clone();
  const auto bytes = static_cast<size_t>(rows.cols);
  portable.vertical(table, 0, rows.data, bytes, expected.data, bytes);
  kernels.vertical(table, 0, rows.data, bytes, found.data, bytes);
  EXPECT_EQ(checksum(bytes_of(found)), checksum(bytes_of(expected)));
}

TEST(ResampleKernels, AllSetsAgreeBitForBit) {
  const std::vector<const ResampleKernels*> sets = resample_kernels();
  for (const ResampleKernels* kernels : sets) {
    for (unsigned round = 0; round < 50; ++round) expect_same_bits(*sets.front(), *kernels, round);
  }
}

std::string error_of(const cv::Mat& source, cv::Size size, const cv::Rect& window) {
  cv::Mat result;
  try {
    Resampler(Interpolation::kBilinear).run(source, size, window, result);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Resample, RefusesWhatItCannotResize) {
  const cv::Mat source = picture(8, 6, 3, 0);
  const cv::Rect all(0, 0, 4, 4);
  EXPECT_EQ(error_of(cv::Mat(), cv::Size(4, 4), all),
            "cannot resize a picture of 0x0 pixels with 1 channels and OpenCV depth 0: it must be 8 bit with 1 or 3 "
            "channels and not empty");
  EXPECT_EQ(error_of(cv::Mat(6, 8, CV_8UC4), cv::Size(4, 4), all),
            "cannot resize a picture of 8x6 pixels with 4 channels and OpenCV depth 0: it must be 8 bit with 1 or 3 "
            "channels and not empty");
  EXPECT_EQ(error_of(cv::Mat(6, 8, CV_16UC3), cv::Size(4, 4), all),
            "cannot resize a picture of 8x6 pixels with 3 channels and OpenCV depth 2: it must be 8 bit with 1 or 3 "
            "channels and not empty");
  EXPECT_EQ(error_of(source, cv::Size(0, 4), all), "cannot resize a picture to 0x4 pixels");
  EXPECT_EQ(error_of(source, cv::Size(4, 4), cv::Rect(1, 0, 4, 4)),
            "cannot take 4x4 pixels at x=1, y=0 of a picture of 4x4");
  EXPECT_EQ(error_of(source, cv::Size(4, 4), cv::Rect(0, 0, 4, 0)),
            "cannot take 4x0 pixels at x=0, y=0 of a picture of 4x4");
}

}  // namespace
}  // namespace zoo::pipeline
