#include "pipeline/images/jpeg_count.h"

#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace zoo::pipeline {
namespace {

using Bytes = std::vector<uint8_t>;

/// With a thumbnail in its EXIF segment, a fill byte, stuffed data and a restart marker.
const Bytes kPicture = {0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD8, 0xFF, 0xD9, 0xFF, 0xFF, 0xDA,
                        0x00, 0x03, 0x00, 0x11, 0xFF, 0x00, 0x22, 0xFF, 0xD0, 0x33, 0xFF, 0xD9};

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(CountJpegs, OneEndsWhereTheFileDoesOrWithOtherBytes) {
  EXPECT_EQ(count_jpegs(kPicture, true), JpegCount::kOne);
  EXPECT_EQ(count_jpegs(joined(kPicture, {'t', 'e', 'x', 't'}), false), JpegCount::kOne);
  EXPECT_EQ(count_jpegs(joined(kPicture, {0, 0, 0}), true), JpegCount::kOne);
}

TEST(CountJpegs, SeveralFollowEachOtherOrPadding) {
  EXPECT_EQ(count_jpegs(joined(kPicture, kPicture), false), JpegCount::kSeveral);
  EXPECT_EQ(count_jpegs(joined(joined(kPicture, {0, 0}), kPicture), true), JpegCount::kSeveral);
}

TEST(CountJpegs, UndecidedUntilTheNextBegins) {
  const Bytes two = joined(kPicture, kPicture);
  for (size_t size = 2; size < two.size(); ++size) {
    const std::span<const uint8_t> bytes(two.data(), size);
    EXPECT_EQ(count_jpegs(bytes, false), size < kPicture.size() + 3 ? JpegCount::kUndecided : JpegCount::kSeveral);
    EXPECT_NE(count_jpegs(bytes, true), JpegCount::kUndecided);
  }
}

TEST(CountJpegs, PicturesThatBelongTogetherAreOne) {
  Bytes first = kPicture;
  const Bytes segment = {0xFF, 0xE2, 0x00, 0x08, 'M', 'P', 'F', 0x00, 0x00, 0x00};
  first.insert(first.begin() + 2, segment.begin(), segment.end());
  EXPECT_EQ(count_jpegs(joined(first, kPicture), false), JpegCount::kOne);
}

TEST(CountJpegs, DamagedIsOne) {
  Bytes damaged = kPicture;
  damaged[2] = 0x12;
  EXPECT_EQ(count_jpegs(damaged, false), JpegCount::kOne);
  damaged = kPicture;
  damaged[5] = 0x01;
  EXPECT_EQ(count_jpegs(damaged, false), JpegCount::kOne);
}

}  // namespace
}  // namespace zoo::pipeline
