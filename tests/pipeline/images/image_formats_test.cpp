// Variants of the picture formats that other programs write, beyond those that Pillow's files show.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "pipeline/images/image_io.h"
#include "pipeline/images/mask_png.h"
#include "tests/pipeline/fixture_data.h"

namespace zoo::pipeline {
namespace {

using Bytes = std::vector<uint8_t>;
using testing::bytes_of;
using testing::checksum;
using testing::picture;

constexpr int kWidth = 40;
constexpr int kHeight = 30;

Bytes encoded(const std::string& extension, const std::vector<int>& options = {}) {
  Bytes bytes;
  cv::imencode(extension, picture(kWidth, kHeight, 3, 2), bytes, options);
  return bytes;
}

void put(Bytes& bytes, uint64_t value, int count, bool big_endian = false) {
  for (int i = 0; i < count; ++i) {
    bytes.push_back(static_cast<uint8_t>(value >> (big_endian ? count - 1 - i : i) * 8));
  }
}

void append(Bytes& bytes, std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); }

std::string pixels_of(const Bytes& bytes) { return checksum(bytes_of(decode_image(bytes, "x"))); }

std::string problem_of(const Bytes& bytes) {
  try {
    decode_image(bytes, "x");
  } catch (const ImageError& error) {
    return error.what();
  }
  return "";
}

// BMP

struct BmpCase {
  uint32_t bits;
  std::array<uint32_t, 3> masks;
  uint32_t pixel;
  cv::Vec3b bgr;
  uint32_t header_size = 40;
  uint32_t compression = 3;
};

Bytes bmp_of(const BmpCase& bmp) {
  Bytes bytes;
  append(bytes, "BM");
  put(bytes, 0, 8);
  put(bytes, 14 + std::max(bmp.header_size, 52U), 4);
  put(bytes, bmp.header_size, 4);
  put(bytes, 1, 4);
  put(bytes, 1, 4);
  put(bytes, 1, 2);
  put(bytes, bmp.bits, 2);
  put(bytes, bmp.compression, 4);
  put(bytes, 0, 20);
  for (const uint32_t mask : bmp.masks) put(bytes, mask, 4);
  bytes.resize(14 + std::max(bmp.header_size, 52U));
  put(bytes, bmp.pixel, 4);
  return bytes;
}

TEST(Bmp, MasksMayLieAnywhere) {
  const BmpCase cases[] = {
      {32, {0xFF, 0xFF00, 0xFF0000}, 0x00112233, {0x11, 0x22, 0x33}},
      {32, {0xFF0000, 0xFF, 0xFF00}, 0x00112233, {0x22, 0x33, 0x11}},
      {32, {0xFF000000, 0xFF00, 0xFF0000}, 0x11223344, {0x22, 0x33, 0x11}},
      {32, {0xFF, 0xFF00, 0xFF0000}, 0x80112233, {0x11, 0x22, 0x33}, 108},
      {32, {0xFF, 0xFF00, 0xFF0000}, 0x80112233, {0x11, 0x22, 0x33}, 52},
      {32, {0xFF, 0xFF00, 0xFF0000}, 0x80112233, {0x11, 0x22, 0x33}, 56},
      {32, {0xFF, 0xFF00, 0xFF0000}, 0x80112233, {0x11, 0x22, 0x33}, 40, 6},
      {32, {0x3FF00000, 0xFFC00, 0x3FF}, 0x3FF00000U | 512U << 10 | 1, {0, 127, 255}},  // 10 bits each
      {24, {0xFF, 0xFF00, 0xFF0000}, 0x112233, {0x11, 0x22, 0x33}},
      {16, {0xF800, 0x7E0, 0x1F}, 0xF800 | 32 << 5 | 15, {123, 129, 255}},
      {16, {0x1F, 0x7E0, 0xF800}, 0xF800 | 32 << 5 | 15, {255, 129, 123}},
      {16, {0xF00, 0xF0, 0xF}, 0xF81, {17, 136, 255}},
      {16, {0xF000, 0xF00, 0xF0}, 0xF81F, {17, 136, 255}},
      {16, {0, 0xFFFF, 0}, 0x8000, {0, 127, 0}},
      {32, {0, 0, 0xFFFFFFFF}, 0xFFFFFFFF, {255, 0, 0}},
  };
  for (const BmpCase& bmp : cases) {
    const Bytes bytes = bmp_of(bmp);
    const std::string shown = fmt::format("{} bits, {:x} {:x} {:x}, header {}", bmp.bits, bmp.masks[0], bmp.masks[1],
                                          bmp.masks[2], bmp.header_size);
    ASSERT_EQ(problem_of(bytes), "") << shown;
    EXPECT_EQ(decode_image(bytes, "x").at<cv::Vec3b>(0, 0), bmp.bgr) << shown;
  }
}

TEST(Bmp, MasksThatCannotBeAreRefused) {
  const auto problem = [](const BmpCase& bmp) { return problem_of(bmp_of(bmp)); };
  EXPECT_EQ(problem({32, {0xFF00FF, 0xFF00, 0}, 0, {}}),
            "cannot read image 'x': BMP with a colour mask 0xff00ff of 32 bits is not supported");
  EXPECT_EQ(problem({16, {0xFF0000, 0xFF00, 0xFF}, 0, {}}),
            "cannot read image 'x': BMP with a colour mask 0xff0000 of 16 bits is not supported");
  EXPECT_EQ(problem({8, {0xE0, 0x1C, 0x3}, 0, {}}),
            "cannot read image 'x': BMP with colour masks of 8 bits is not supported");
  EXPECT_EQ(problem({32, {}, 0, {}, 40, 4}), "cannot read image 'x': BMP with compression 4 is not supported");
}

TEST(Bmp, PixelsWithoutAPlaceFollowTheMasks) {
  for (const uint32_t header_size : {40U, 52U, 108U}) {
    Bytes bytes = bmp_of({32, {0xFF, 0xFF00, 0xFF0000}, 0x112233, {}, header_size});
    std::fill_n(bytes.begin() + 10, 4, uint8_t{0});
    EXPECT_EQ(decode_image(bytes, "x").at<cv::Vec3b>(0, 0), cv::Vec3b(0x11, 0x22, 0x33)) << header_size;
  }
}

/// A picture of 5x3 pixels with the palette black, red, green, blue (and so on in grey), compressed.
Bytes run_length_bmp(uint32_t bits, const Bytes& codes) {
  Bytes bytes;
  append(bytes, "BM");
  put(bytes, 0, 8);
  const uint32_t colors = 4;
  put(bytes, 54 + colors * 4, 4);
  put(bytes, 40, 4);
  put(bytes, 5, 4);
  put(bytes, 3, 4);
  put(bytes, 1, 2);
  put(bytes, bits, 2);
  put(bytes, bits == 8 ? 1 : 2, 4);
  put(bytes, codes.size(), 4);
  put(bytes, 0, 8);
  put(bytes, colors, 4);
  put(bytes, 0, 4);
  for (const uint32_t color : {0x000000U, 0xFF0000U, 0x00FF00U, 0x0000FFU}) put(bytes, color, 4);
  bytes.insert(bytes.end(), codes.begin(), codes.end());
  return bytes;
}

/// A letter per pixel: what stands for its colour in the palette above.
std::string letters(const cv::Mat& image) {
  std::string text;
  for (int y = 0; y < image.rows; ++y) {
    for (int x = 0; x < image.cols; ++x) {
      const cv::Vec3b bgr = image.at<cv::Vec3b>(y, x);
      text += bgr[0] != 0 ? 'b' : bgr[1] != 0 ? 'g' : bgr[2] != 0 ? 'r' : '.';
    }
    text += y + 1 < image.rows ? "/" : "";
  }
  return text;
}

TEST(Bmp, RunLengthsMayRepeatListAndMove) {
  const Bytes bytes8 = {2, 1, 0, 3, 3, 2, 1, 0, 0, 0,  // two red; blue, green, red as they are; end of row
                        0, 2, 1, 1, 3, 2, 0, 1};       // one to the right and one up; three green; end
  EXPECT_EQ(letters(decode_image(run_length_bmp(8, bytes8), "x")), ".ggg./...../rrbgr");
  const Bytes bytes4 = {3, 0x12, 0, 5, 0x32, 0x13, 0x20, 0, 0, 0};
  EXPECT_EQ(problem_of(run_length_bmp(4, bytes4)),
            "cannot read image 'x': BMP data is truncated or damaged: a row is longer than the picture is wide");
  const Bytes fits4 = {2, 0x12, 0, 3, 0x32, 0x10, 0, 0, 5, 0x31, 0, 0, 5, 0, 0, 0};
  EXPECT_EQ(letters(decode_image(run_length_bmp(4, fits4), "x")), "...../brbrb/rgbgr");
}

TEST(Bmp, RunLengthsThatEndTooEarlyAreRefused) {
  EXPECT_THAT(problem_of(run_length_bmp(8, {5, 1, 0, 0, 5})), ::testing::HasSubstr("BMP data is truncated or damaged"));
}

// JPEG

/// Positions of the markers FF D0 to FF D7.
std::vector<size_t> restart_markers(const Bytes& bytes) {
  std::vector<size_t> found;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && bytes[i + 1] >= 0xD0 && bytes[i + 1] <= 0xD7) found.push_back(i);
  }
  return found;
}

TEST(Jpeg, StrayBytesBeforeTheEndChangeNothing) {
  for (const int progressive : {0, 1}) {
    const Bytes clean = encoded(".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, progressive});
    for (const size_t count : {1U, 16U, 64U, 65U, 258U, 5000U, 100'000U}) {
      for (const uint8_t stray : {0x00, 0x7F, 0xFE}) {
        Bytes bytes = clean;
        bytes.insert(bytes.end() - 2, count, stray);
        ASSERT_EQ(problem_of(bytes), "") << count;
        EXPECT_EQ(pixels_of(bytes), pixels_of(clean)) << count;
        bytes.resize(bytes.size() - 2);
        EXPECT_NE(problem_of(bytes), "") << "without its end";
        bytes.resize(clean.size() / 2);
        EXPECT_NE(problem_of(bytes), "") << "half of it";
      }
    }
  }
}

TEST(Jpeg, StrayBytesBeforeARestartMarkerChangeNothing) {
  const Bytes clean = encoded(".jpg", {cv::IMWRITE_JPEG_RST_INTERVAL, 1});
  const std::vector<size_t> markers = restart_markers(clean);
  ASSERT_GT(markers.size(), 3U);
  Bytes bytes = clean;
  for (size_t i = markers.size(); i > 0; --i) {
    bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(markers[i - 1]), 100, 0x11);
  }
  EXPECT_EQ(pixels_of(bytes), pixels_of(clean));
}

TEST(Jpeg, PixelsThatAreMissingBeforeStrayBytesAreMissed) {
  Bytes bytes = encoded(".jpg");
  bytes.resize(bytes.size() * 3 / 4);
  bytes.insert(bytes.end(), {0xFF, 0xD9});
  bytes.insert(bytes.end(), 300, 0x7F);
  bytes.insert(bytes.end(), {0xFF, 0xD9});
  EXPECT_EQ(
      problem_of(bytes),
      "cannot read image 'x': JPEG data is truncated or damaged: Corrupt JPEG data: premature end of data segment");
}

// PNG

Bytes chunk(std::string_view type, std::string_view data) {
  Bytes bytes;
  put(bytes, data.size(), 4, true);
  append(bytes, type);
  append(bytes, data);
  put(bytes, 0, 4);  // check sums of chunks that make no pixels are not looked at
  return bytes;
}

Bytes png_with(const Bytes& inserted, size_t at = 33) {
  Bytes bytes = encoded(".png");
  bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), inserted.begin(), inserted.end());
  return bytes;
}

/// A whole EXIF block with this orientation as hexadecimal digits.
std::string exif_digits(int orientation) {
  return fmt::format("45786966000049492a0008000000010012010300010000000{}00000000000000", orientation);
}

cv::Size size_with(std::string_view type, const std::string& data) {
  return decode_image(png_with(chunk(type, data)), "x").size();
}

TEST(Png, OrientationInTextIsTakenWhereItIsWhole) {
  using namespace std::string_literals;
  const cv::Size turned(kHeight, kWidth);
  const cv::Size as_stored(kWidth, kHeight);
  const std::string exif = "Raw profile type exif\0"s;
  const std::string header = "\nexif\n      32\n";
  EXPECT_EQ(size_with("tEXt", exif + header + exif_digits(6)), turned);
  EXPECT_EQ(size_with("tEXt", "Raw profile type APP1\0"s + header + exif_digits(8)), turned);
  EXPECT_EQ(size_with("tEXt", exif + header + "45 78\n69 66 0000\n" + exif_digits(6).substr(12) + "\n"), turned);
  EXPECT_EQ(size_with("tEXt", exif + header + exif_digits(6).substr(12)), turned) << "without \"Exif\"";
  for (const std::string& damaged :
       {""s, "\n"s, "\nexif\n"s, header, header + "4", header + "xy", header + exif_digits(6).substr(0, 30),
        header + exif_digits(6) + "5", exif_digits(6), header + exif_digits(9)}) {
    EXPECT_EQ(size_with("tEXt", exif + damaged), as_stored) << damaged;
  }
  EXPECT_EQ(size_with("tEXt", "Raw profile type iptc\0"s + header + exif_digits(6)), as_stored);
  EXPECT_EQ(size_with("tEXt", "Raw profile type exif" + header + exif_digits(6)), as_stored) << "no end of the keyword";
  EXPECT_EQ(size_with("zTXt", exif + "\0"s + header + exif_digits(6)), as_stored) << "not packed";
  EXPECT_EQ(size_with("zTXt", exif), as_stored);
  EXPECT_EQ(size_with("iTXt", exif), as_stored);
  EXPECT_EQ(size_with("iTXt", exif + "\0\0en"s), as_stored);
  EXPECT_EQ(size_with("iTXt", exif + "\0\0en\0\0"s + header + exif_digits(6)), turned);
  EXPECT_EQ(size_with("iTXt", exif + "\1\0en\0\0"s + header + exif_digits(6)), as_stored) << "not packed";
}

TEST(Png, OfAppleIsNamed) {
  const std::string expected = "cannot read image 'x': Apple's CgBI PNG is not supported";
  EXPECT_EQ(problem_of(png_with(chunk("CgBI", std::string("\x50\0\x20\x02", 4)), 8)), expected);
}

TEST(Png, ChunksThatClaimMoreThanTheFileHasAreRefused) {
  const Bytes good = encode_mask_png(cv::Mat(5, 6, CV_8UC1, cv::Scalar(1)));
  for (const std::string_view type : {"eXIf", "iCCP", "zTXt", "iTXt", "sPLT", "IDAT", "PLTE", "tRNS", "abcd"}) {
    for (const uint32_t length : {0x4E03111AU, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
      Bytes bytes(good.begin(), good.begin() + 33);
      put(bytes, length, 4, true);
      append(bytes, type);
      bytes.resize(68);
      EXPECT_THAT(problem_of(bytes), ::testing::HasSubstr("PNG data is truncated or damaged")) << type;
      EXPECT_THAT([&] { decode_mask_png(bytes, "m"); },
                  ::testing::ThrowsMessage<ImageError>(::testing::HasSubstr(fmt::format(
                      "cannot read mask 'm': PNG data is truncated or damaged: {} bytes at 37 are wanted of 68",
                      uint64_t{length} + 4))));
    }
  }
}

TEST(Png, ChunksBesideThePixelsDoNotReachTheMasksDecoder) {
  const cv::Mat labels(5, 6, CV_8UC1, cv::Scalar(3));
  const Bytes good = encode_mask_png(labels);
  for (const std::string_view type : {"eXIf", "iCCP", "zTXt", "iTXt", "sPLT", "tRNS", "abcd"}) {
    Bytes bytes = good;
    const Bytes inserted = chunk(type, std::string(2'000'000, 'x'));
    bytes.insert(bytes.begin() + 33, inserted.begin(), inserted.end());
    EXPECT_EQ(cv::norm(decode_mask_png(bytes, "m"), labels, cv::NORM_INF), 0.0) << type;
  }
}

// WebP

TEST(Webp, PictureMustHaveTheSizeOfItsContainer) {
  Bytes simple;
  cv::imencode(".webp", picture(kWidth, kHeight, 3, 2), simple, {cv::IMWRITE_WEBP_QUALITY, 101});
  const auto contained = [&](uint32_t width, uint32_t height) {
    Bytes bytes;
    append(bytes, "RIFF");
    put(bytes, simple.size() - 8 + 18, 4);
    append(bytes, "WEBPVP8X");
    put(bytes, 10, 4);
    put(bytes, 0, 4);
    put(bytes, width - 1, 3);
    put(bytes, height - 1, 3);
    bytes.insert(bytes.end(), simple.begin() + 12, simple.end());
    return bytes;
  };
  EXPECT_EQ(pixels_of(contained(kWidth, kHeight)), pixels_of(simple));
  EXPECT_NE(problem_of(contained(4, 3)), "");
  try {
    decode_image(contained(4, 3), "x", {.max_pixels = 100});
    ADD_FAILURE() << "decoded";
  } catch (const ImageError& error) {
    EXPECT_EQ(error.fault(), ImageFault::kTooLarge) << error.what();
  }
}

// GIF

TEST(Gif, IsAFilmAndNoPicture) {
  Bytes bytes;
  append(bytes, "GIF89a....");
  EXPECT_EQ(
      problem_of(bytes),
      "cannot read image 'x': GIF is not supported as a picture; predict reads a file that is named .gif as a film");
}

}  // namespace
}  // namespace zoo::pipeline
