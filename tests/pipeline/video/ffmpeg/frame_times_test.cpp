#include "pipeline/video/ffmpeg/frame_times.h"

#include <gtest/gtest.h>

namespace zoo::ffmpeg {
namespace {

TEST(FrameTimes, AreTheContainersWhereTheyRise) {
  FrameTimes times(0.1);
  for (const double time_s : {0.7, 0.8, 1.5, 99.0}) EXPECT_DOUBLE_EQ(times.next(time_s), time_s);
}

TEST(FrameTimes, StepAMillisecondWhereTheyDoNot) {
  FrameTimes times(0.1);
  EXPECT_DOUBLE_EQ(times.next(1.0), 1.0);
  EXPECT_DOUBLE_EQ(times.next(1.0), 1.001);
  EXPECT_DOUBLE_EQ(times.next(0.5), 1.002);
  EXPECT_DOUBLE_EQ(times.next(1.2), 1.2);
}

TEST(FrameTimes, GoOnWhereTheClockStartsAnew) {
  FrameTimes times(0.1);
  EXPECT_DOUBLE_EQ(times.next(50.0), 50.0);
  EXPECT_DOUBLE_EQ(times.next(0.0), 50.1);
  EXPECT_DOUBLE_EQ(times.next(0.2), 50.3);
  EXPECT_DOUBLE_EQ(times.next(50.0), 100.1);
}

TEST(FrameTimes, AFullTurnOfTheClockIsNoStep) {
  for (const double turns : {-2.0, -1.0, 1.0}) {
    FrameTimes times(0.1, 1000.0);
    EXPECT_DOUBLE_EQ(times.next(999.9), 999.9);
    EXPECT_DOUBLE_EQ(times.next(1000.0 + 1000.0 * turns), 1000.0);
    EXPECT_DOUBLE_EQ(times.next(1000.2 + 1000.0 * turns), 1000.2);
  }
  FrameTimes days(1.0, 1000.0);
  for (int i = 0; i < 5000; i += 100) EXPECT_DOUBLE_EQ(days.next(i % 1000), i);
}

TEST(FrameTimes, AStepBackThatWasTakenForATurnIsANewStart) {
  FrameTimes times(0.1, 1000.0);
  EXPECT_DOUBLE_EQ(times.next(300.0), 300.0);
  EXPECT_DOUBLE_EQ(times.next(1000.0), 300.1);
  EXPECT_DOUBLE_EQ(times.next(1000.2), 300.3);
}

TEST(FrameTimes, CountFramesWhereThereAreNone) {
  FrameTimes times(0.04);
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(times.next({}), 0.04 * i, 1e-12);
  EXPECT_DOUBLE_EQ(times.next(9.0), 9.0);
}

}  // namespace
}  // namespace zoo::ffmpeg
