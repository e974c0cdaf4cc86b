#include "pipeline/video/ffmpeg/ticks.h"

#include <gtest/gtest.h>

namespace zoo::ffmpeg {
namespace {

TEST(Ticks, AreTheTimesSinceTheOrigin) {
  Ticks ticks(1000, 40);
  ticks.begin(5.0);
  EXPECT_EQ(ticks.next(5.0), 0);
  EXPECT_EQ(ticks.next(5.04), 40);
  EXPECT_EQ(ticks.next(65.5), 60'500);
  EXPECT_EQ(ticks.last(), 60'500);
  EXPECT_EQ(ticks.distance(), 40);
  EXPECT_EQ(ticks.next(65.51), 60'510);
  EXPECT_EQ(ticks.distance(), 10);
}

TEST(Ticks, OfOnePictureHaveTheNominalDistance) {
  Ticks ticks(1000, 40);
  EXPECT_EQ(ticks.next(0.0), 0);
  EXPECT_EQ(ticks.distance(), 40);
}

TEST(Ticks, AscendWhereTimesDoNot) {
  Ticks ticks(1000, 40);
  ticks.begin(1.0);
  EXPECT_EQ(ticks.next(1.5), 500);
  EXPECT_EQ(ticks.next(1.5), 501);
  EXPECT_EQ(ticks.next(1.2), 502);
  EXPECT_EQ(ticks.next(2.0), 1000);
}

TEST(Ticks, GoOnWhereAClockBeginsAnew) {
  Ticks ticks(1000, 40);
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(ticks.next(i * 0.1), i * 100);
  EXPECT_EQ(ticks.next(0.0), 10'040);
  EXPECT_EQ(ticks.next(0.2), 10'240);
}

TEST(Ticks, GoOnWhereAClockLeapsByMonths) {
  Ticks ticks(1000, 40);
  EXPECT_EQ(ticks.next(0.0), 0);
  EXPECT_EQ(ticks.next(2'000'000.0), 2'000'000'000);
  EXPECT_FALSE(ticks.leapt());
  EXPECT_EQ(ticks.next(1e9), 2'000'000'040);
  EXPECT_TRUE(ticks.leapt());
  EXPECT_EQ(ticks.next(1e9 + 1.0), 2'000'001'040);
  EXPECT_FALSE(ticks.leapt());
  EXPECT_EQ(ticks.next(1e300), 2'000'001'080);
  EXPECT_EQ(ticks.next(-1e300), 2'000'001'120);
}

}  // namespace
}  // namespace zoo::ffmpeg
