// TIFF files whose directory is not what it seems: what is checked must be what is decoded.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <tiffio.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "pipeline/images/image_io.h"
#include "tests/pipeline/fixture_data.h"
#include "tests/support/temp_folder.h"

namespace zoo::pipeline {
namespace {

using Bytes = std::vector<uint8_t>;
using ::testing::HasSubstr;

constexpr uint32_t kShort = 3;
constexpr uint32_t kLong = 4;
constexpr uint32_t kWidth = 12;
constexpr uint32_t kHeight = 7;
constexpr uint32_t kStripAt = 8;

struct Entry {
  uint32_t tag;
  uint32_t type;
  uint32_t count;
  uint32_t value;  ///< or where the values are
};

/// A grey picture of 12x7 pixels in one strip, and its entries in any order, as often as one likes.
class TiffFile {
 public:
  explicit TiffFile(bool big_endian = true) : big_endian_(big_endian) {}

  std::vector<Entry> entries = {{256, kLong, 1, kWidth}, {257, kLong, 1, kHeight}, {258, kShort, 1, 8},
                                {259, kShort, 1, 1},     {262, kShort, 1, 1},      {273, kLong, 1, kStripAt},
                                {277, kShort, 1, 1},     {278, kLong, 1, kHeight}, {279, kLong, 1, kWidth* kHeight},
                                {274, kShort, 1, 1}};

  Entry& entry(uint32_t tag) { return *std::ranges::find(entries, tag, &Entry::tag); }

  /// Where an entry's value lies.
  uint32_t value_at(size_t index) const { return directory_at() + 2 + static_cast<uint32_t>(index) * 12 + 8; }
  uint32_t directory_at() const { return kStripAt + kWidth * kHeight; }

  Bytes bytes() const {
    Bytes file = {'I', 'I', 42, 0};
    if (big_endian_) file = {'M', 'M', 0, 42};
    put(file, directory_at(), 4);
    for (uint32_t i = 0; i < kWidth * kHeight; ++i) file.push_back(static_cast<uint8_t>(i));
    put(file, static_cast<uint32_t>(entries.size()), 2);
    for (const Entry& entry : entries) {
      put(file, entry.tag, 2);
      put(file, entry.type, 2);
      put(file, entry.count, 4);
      const bool is_short = entry.type == kShort && entry.count == 1;
      put(file, entry.value, is_short ? 2 : 4);
      if (is_short) put(file, 0, 2);
    }
    put(file, 0, 4);
    return file;
  }

 private:
  void put(Bytes& file, uint32_t value, int count) const {
    for (int i = 0; i < count; ++i) {
      file.push_back(static_cast<uint8_t>(value >> (big_endian_ ? count - 1 - i : i) * 8));
    }
  }

  bool big_endian_;
};

/// The picture's size, or the fault.
std::string outcome(const Bytes& bytes) {
  try {
    const cv::Mat image = decode_image(bytes, "x");
    return fmt::format("{}x{}", image.cols, image.rows);
  } catch (const ImageError& error) {
    return error.what();
  }
}

std::string damaged(const std::string& detail) {
  return "cannot read image 'x': TIFF data is truncated or damaged: " + detail;
}

TEST(Tiff, IsReadInBothByteOrdersWhateverTheOrderOfItsTags) {
  for (const bool big_endian : {false, true}) {
    TiffFile file(big_endian);
    for (int round = 0; round < 2; ++round) {
      const cv::Mat image = decode_image(file.bytes(), "x");
      ASSERT_EQ(image.size(), cv::Size(kWidth, kHeight));
      EXPECT_EQ(image.at<cv::Vec3b>(6, 11), cv::Vec3b(83, 83, 83));
      std::ranges::reverse(file.entries);
    }
  }
}

TEST(Tiff, WithATagThatIsThereTwiceIsRefused) {
  const TiffFile plain;
  for (const Entry& entry : plain.entries) {
    for (const bool before : {false, true}) {
      TiffFile file;
      Entry other = entry;
      other.value = entry.tag == 256 || entry.tag == 257 ? 60'000 : entry.value;
      file.entries.insert(before ? file.entries.begin() : file.entries.end(), other);
      EXPECT_EQ(outcome(file.bytes()), damaged(fmt::format("the tag {} is there twice", entry.tag)));
    }
  }
}

TEST(Tiff, WithTagsOfAnotherNumberOfValuesIsRefused) {
  for (const uint32_t tag : {256U, 257U, 259U, 262U, 274U, 277U, 278U}) {
    for (const uint32_t count : {0U, 2U, 3U}) {
      TiffFile file;
      file.entry(tag) = {tag, kShort, count, count > 2 ? file.value_at(0) : 1};
      EXPECT_EQ(outcome(file.bytes()), damaged(fmt::format("the tag {} has {} values", tag, count)));
    }
  }
}

TEST(Tiff, WithTagsOfAnotherTypeIsRefused) {
  constexpr uint32_t kTypes[] = {0, 2, 5, 6, 8, 9, 11, 12, 13, 16, 17, 18, 255, 65535};
  for (const uint32_t tag : {256U, 257U, 258U, 259U, 273U, 274U, 277U, 279U}) {
    for (const uint32_t type : kTypes) {
      TiffFile file;
      file.entry(tag).type = type;
      EXPECT_THAT(outcome(file.bytes()), HasSubstr("TIFF data is truncated or damaged")) << tag << " of type " << type;
    }
  }
}

TEST(Tiff, ValuesThatLieInTheDirectoryDoNotChangeIt) {
  // What libtiff must not see is taken out of the file: here it would lie on the width, the height, a strip's length.
  const TiffFile plain;
  for (size_t target = 0; target < plain.entries.size(); ++target) {
    for (const uint32_t shift : {0U, 2U}) {
      for (const uint32_t count : {1U, 2U, 3U, 4U}) {
        TiffFile file;
        file.entries.push_back({338, kShort, count, count > 2 ? file.value_at(target) + shift : 2});
        const std::string result = outcome(file.bytes());
        EXPECT_TRUE(result == "12x7" || result.find("cannot read image 'x': ") == 0) << result;
      }
      TiffFile turned;
      turned.entry(274) = {274, kShort, 3, turned.value_at(target) + shift};
      EXPECT_EQ(outcome(turned.bytes()), damaged("the tag 274 has 3 values"));
    }
  }
}

TEST(Tiff, TagsThatAreNotCheckedDoNotCount) {
  TiffFile file;
  file.entries.push_back({32997, kLong, 1, 60'000});  // ImageDepth
  file.entries.push_back({32997, kLong, 1, 60'000});
  file.entries.push_back({330, kLong, 1, file.directory_at()});  // SubIFDs
  file.entries.push_back({305, 2, 0xFFFF'FFFF, 0});              // Software, beyond the file
  file.entries.push_back({34665, kLong, 1, 0xFFFF'FFFF});        // EXIF
  EXPECT_EQ(outcome(file.bytes()), "12x7");
}

TEST(Tiff, SamplesAreLimited) {
  TiffFile file;
  file.entry(277).value = 65'535;
  EXPECT_EQ(outcome(file.bytes()), "cannot read image 'x': TIFF with 65535 samples per pixel is not supported");
  for (const uint32_t tag : {258U, 339U, 338U}) {
    TiffFile long_list;
    std::erase_if(long_list.entries, [&](const Entry& entry) { return entry.tag == tag; });
    long_list.entries.push_back({tag, 1, 80, kStripAt});
    EXPECT_EQ(outcome(long_list.bytes()), damaged(fmt::format("the tag {} has 80 values", tag)));
  }
}

TEST(Tiff, StripsMustLieInTheFile) {
  TiffFile file;
  file.entry(279).value = 1'000'000;
  EXPECT_THAT(outcome(file.bytes()), HasSubstr("1000000 bytes at 8 are wanted of"));
}

TEST(Tiff, AnyDirectoryYieldsAtMostThePixelsThatWereChecked) {
  // Every field of every entry by every one of these: never a larger picture than 12x7 allows, never another exception.
  const TiffFile plain;
  const uint32_t numbers[] = {0,
                              1,
                              2,
                              3,
                              8,
                              16,
                              255,
                              256,
                              65'535,
                              plain.value_at(0),
                              plain.value_at(0) + 2,
                              plain.value_at(1),
                              plain.directory_at(),
                              0xFFFF'FFFF};
  constexpr int64_t kLimit = 500;
  for (size_t i = 0; i < plain.entries.size(); ++i) {
    for (const uint32_t number : numbers) {
      for (int field = 0; field < 4; ++field) {
        TiffFile file;
        Entry& entry = file.entries[i];
        (field == 0 ? entry.tag : field == 1 ? entry.type : field == 2 ? entry.count : entry.value) = number;
        try {
          EXPECT_LE(decode_image(file.bytes(), "x", {.max_pixels = kLimit}).total(), kLimit);
        } catch (const ImageError&) {  // as good
        }
      }
    }
  }
}

/// How 16-bit samples lie in a file.
struct DeepLayout {
  int samples;
  bool planes;
  bool tiles;
};

/// What libtiff writes of `image` (16 bit, RGB or grey): several strips, or tiles of 16x16.
Bytes written(const std::string& file, const cv::Mat& image, const DeepLayout& layout) {
  TIFF* tiff = TIFFOpen(file.c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, image.cols);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, image.rows);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 16);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, layout.samples);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, layout.samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, layout.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  const int tile = 16;
  if (layout.tiles) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 5);
  }
  std::vector<cv::Mat> planes = {image};
  if (layout.planes) cv::split(image, planes);
  for (size_t plane = 0; plane < planes.size(); ++plane) {
    for (int y = 0; y < image.rows; y += layout.tiles ? tile : 1) {
      if (!layout.tiles) {
        TIFFWriteScanline(tiff, planes[plane].ptr(y), static_cast<uint32_t>(y), static_cast<uint16_t>(plane));
        continue;
      }
      for (int x = 0; x < image.cols; x += tile) {
        cv::Mat part(tile, tile, planes[plane].type(), cv::Scalar::all(0));
        const cv::Rect place(x, y, std::min(tile, image.cols - x), std::min(tile, image.rows - y));
        planes[plane](place).copyTo(part(cv::Rect({0, 0}, place.size())));
        TIFFWriteTile(tiff, part.data, static_cast<uint32_t>(x), static_cast<uint32_t>(y), 0,
                      static_cast<uint16_t>(plane));
      }
    }
  }
  TIFFClose(tiff);
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Tiff, Of16BitsYieldsTheUpper8HoweverItLies) {
  const test::TempFolder folder;
  const DeepLayout layouts[] = {{1, false, false}, {1, false, true}, {3, false, false}, {3, true, false},
                                {3, false, true},  {3, true, true},  {4, false, false}, {4, true, false}};
  for (const DeepLayout& layout : layouts) {
    cv::Mat rgb(37, 41, CV_16UC(layout.samples));
    cv::theRNG().state = 7;
    cv::randu(rgb, 0, 65536);
    const cv::Mat image = decode_image(written(folder / "deep.tif", rgb, layout), "x");
    ASSERT_EQ(image.size(), rgb.size());
    const std::string shown =
        fmt::format("{} samples, planes {}, tiles {}", layout.samples, layout.planes, layout.tiles);
    for (int y = 0; y < rgb.rows; ++y) {
      for (int x = 0; x < rgb.cols; ++x) {
        const uint16_t* in = rgb.ptr<uint16_t>(y) + x * layout.samples;
        const auto upper = [&](int c) { return static_cast<uint8_t>(in[layout.samples < 3 ? 0 : c] >> 8); };
        ASSERT_EQ(image.at<cv::Vec3b>(y, x), cv::Vec3b(upper(2), upper(1), upper(0))) << shown << " " << x << " " << y;
      }
    }
  }
}

TEST(Tiff, Of12BitsIsUnpacked) {
  TiffFile file;
  file.entry(256).value = 8;  // 12 bytes in a row
  file.entry(258).value = 12;
  const cv::Mat image = decode_image(file.bytes(), "x");
  ASSERT_EQ(image.size(), cv::Size(8, 7));
  EXPECT_EQ(image.at<cv::Vec3b>(0, 2), cv::Vec3b(3, 3, 3));
  EXPECT_EQ(image.at<cv::Vec3b>(2, 1), cv::Vec3b(0x91, 0x91, 0x91));  // bytes 0x19, 0x1A
  EXPECT_EQ(image.at<cv::Vec3b>(6, 7), cv::Vec3b(0x25, 0x25, 0x25));  // bytes 0x52, 0x53
}

TEST(Tiff, OfMoreThan8BitsIsGreyOrRgb) {
  TiffFile file;
  file.entry(256).value = 6;
  file.entry(258).value = 16;
  EXPECT_EQ(outcome(file.bytes()), "6x7");
  file.entry(262).value = 0;  // white is 0
  EXPECT_EQ(decode_image(file.bytes(), "x").at<cv::Vec3b>(0, 0), cv::Vec3b(255, 255, 255));
  file.entry(262).value = 5;
  EXPECT_EQ(outcome(file.bytes()),
            "cannot read image 'x': TIFF with 16 bits per sample and photometric interpretation 5 is not supported");
}

}  // namespace
}  // namespace zoo::pipeline
