// Files that end too early, and files with random damage.
#include <fstream>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "pipeline/images/image_io.h"
#include "tests/pipeline/fixture_data.h"

namespace zoo::pipeline {
namespace {

using Bytes = std::vector<uint8_t>;

struct Encoding {
  const char* name;
  const char* extension;
  std::vector<int> options;
};

void PrintTo(const Encoding& encoding, std::ostream* stream) { *stream << encoding.name; }

// Smooth colours: noise would make long files and hide what the end of a file does.
cv::Mat smooth_picture() {
  cv::Mat image;
  cv::resize(testing::picture(6, 5, 3, 0), image, cv::Size(48, 37), 0, 0, cv::INTER_CUBIC);
  return image;
}

Bytes encode(const Encoding& encoding) {
  Bytes bytes;
  cv::imencode(encoding.extension, smooth_picture(), bytes, encoding.options);
  return bytes;
}

/// The fault, or nothing if the file was decoded; anything but an ImageError fails the test.
std::optional<ImageFault> fault_of(const Bytes& bytes) {
  try {
    const cv::Mat image = decode_image(bytes, "x");
    EXPECT_FALSE(image.empty());
    EXPECT_EQ(image.type(), CV_8UC3);
  } catch (const ImageError& e) {
    EXPECT_EQ(std::string(e.what()).rfind("cannot read image 'x': ", 0), 0U);
    return e.fault();
  }
  return std::nullopt;
}

class ImageDamage : public ::testing::TestWithParam<Encoding> {
 protected:
  static void SetUpTestSuite() { cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT); }
};

TEST_P(ImageDamage, IsFoundWhereverTheFileIsCut) {
  const Bytes whole = encode(GetParam());
  ASSERT_EQ(fault_of(whole), std::nullopt);
  for (size_t size = 8; size < whole.size(); ++size) {
    const std::optional<ImageFault> fault =
        fault_of(Bytes(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    const bool too_short_to_tell = size < 12 && fault == ImageFault::kNotAnImage;
    EXPECT_TRUE(fault == ImageFault::kTruncated || too_short_to_tell) << "cut to " << size << " of " << whole.size();
  }
}

TEST_P(ImageDamage, NeverEscapesAsAnotherException) {
  const Bytes whole = encode(GetParam());
  std::mt19937 random(20240609);
  const auto below = [&random](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  constexpr int kRounds = 400;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    Bytes bytes = whole;
    for (size_t changes = 1 + below(6); changes > 0; --changes) {
      const size_t at = below(below(3) == 0 ? std::min<size_t>(bytes.size(), 64) : bytes.size());
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<uint8_t>(below(256));
          break;
        case 1:
          bytes[at] = below(2) == 0 ? 0x00 : 0xFF;
          break;
        case 2:
          bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at));
          break;
        default:
          bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), static_cast<uint8_t>(below(256)));
      }
    }
    fault_of(bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, ImageDamage,
                         ::testing::Values(Encoding{"baseline", ".jpg", {}},
                                           Encoding{"progressive", ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1}},
                                           Encoding{"restart", ".jpg", {cv::IMWRITE_JPEG_RST_INTERVAL, 2}},
                                           Encoding{"png", ".png", {}}, Encoding{"bmp", ".bmp", {}},
                                           Encoding{"webp_lossy", ".webp", {cv::IMWRITE_WEBP_QUALITY, 80}},
                                           Encoding{"webp_lossless", ".webp", {}}, Encoding{"tiff", ".tif", {}},
                                           Encoding{"ppm", ".ppm", {}}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(JpegDamage, IsFoundInTheEntropyCodedData) {
  const Bytes whole = encode({"baseline", ".jpg", {}});
  // An end marker in the middle, and a stretch of the data cut out so that the file still ends as it should.
  Bytes early_end = whole;
  early_end.resize(whole.size() * 3 / 4);
  early_end.insert(early_end.end(), {0xFF, 0xD9});
  EXPECT_EQ(fault_of(early_end), ImageFault::kTruncated);
  Bytes gap = whole;
  gap.erase(gap.end() - 220, gap.end() - 60);
  EXPECT_EQ(fault_of(gap), ImageFault::kTruncated);
}

TEST(JpegDamage, IsFoundAlthoughTheThumbnailIsWhole) {
  std::ifstream stream(std::string(ZOO_SOURCE_DIR) + "/tests/reference_data/image_io/jpeg_thumbnail.jpg",
                       std::ios::binary);
  Bytes bytes(std::istreambuf_iterator<char>(stream), {});
  ASSERT_EQ(fault_of(bytes), std::nullopt);
  bytes.resize(bytes.size() - 2);
  EXPECT_EQ(fault_of(bytes), ImageFault::kTruncated);
}

}  // namespace
}  // namespace zoo::pipeline
