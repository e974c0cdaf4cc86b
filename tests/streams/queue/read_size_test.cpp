#include "streams/queue/read_size.h"

#include <gtest/gtest.h>

namespace zoo::streams {
namespace {

constexpr double kMebi = 1'024.0 * 1'024.0;

TEST(ReadSizeTest, IsOneUntilItIsKnownHowLongAnAnswerTakes) {
  ReadSize size;
  size.note_bytes(10.0);
  EXPECT_EQ(size.entries(), 1);
}

TEST(ReadSizeTest, IsWhatIsAnsweredIn20MsAndAtMost64) {
  ReadSize size;
  size.note_work(0.0015);
  EXPECT_EQ(size.entries(), 13);
  for (int i = 0; i < 100; ++i) size.note_work(0.0001);
  EXPECT_EQ(size.entries(), 64);
  for (int i = 0; i < 100; ++i) size.note_work(3.0);
  EXPECT_EQ(size.entries(), 1);
}

TEST(ReadSizeTest, IsWhatHas32MiBTogetherByTheLargestOfLate) {
  ReadSize size;
  size.note_work(0.0001);
  size.note_bytes(3.0 * kMebi);
  EXPECT_EQ(size.entries(), 10);
  for (int i = 0; i < 60; ++i) size.note_bytes(1'000.0);
  EXPECT_EQ(size.entries(), 19);  // 3 MiB * 0.99^60 = 1.64 MiB
  size.note_bytes(100.0 * kMebi);
  EXPECT_EQ(size.entries(), 1);
  for (int i = 0; i < 1'000; ++i) size.note_bytes(1'000.0);
  EXPECT_EQ(size.entries(), 64);
}

TEST(ReadSizeTest, IsOneAfterWhatWasTooLarge) {
  ReadSize size;
  size.note_work(0.0001);
  size.note_too_large();
  EXPECT_EQ(size.entries(), 1);
  for (int i = 0; i < 100; ++i) size.note_bytes(1'000.0);
  EXPECT_EQ(size.entries(), 2);  // 32 MiB * 0.99^100 = 11.7 MiB
}

}  // namespace
}  // namespace zoo::streams
