// The parts of the program's text that can be tested without running it.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/failure_report.h"
#include "apps/live_status.h"
#include "apps/predict_report.h"
#include "apps/progress.h"
#include "tests/apps/program_runner.h"

namespace zoo::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ProgressText, ShowsBarRateAndRemainingTime) {
  EXPECT_EQ(progress_text(60, 120, 5.0), "[############............]  50 %  60/120  12.0/s  ETA 5 s");
  EXPECT_EQ(progress_text(0, 120, 5.0), "[........................]   0 %  0/120  0.0/s  ETA 0 s");
  EXPECT_EQ(progress_text(120, 120, 10.0), "[########################] 100 %  120/120  12.0/s  ETA 0 s");
}

TEST(ProgressText, ShowsBytesAsMegabytes) {
  EXPECT_EQ(progress_text(6'000'000, 12'000'000, 5.0, ProgressUnit::kBytes),
            "[############............]  50 %  6.0/12.0 MB  1.2 MB/s  ETA 5 s");
  EXPECT_EQ(progress_text(3'000'000, std::nullopt, 2.0, ProgressUnit::kBytes), "3.0 MB  1.5 MB/s");
}

TEST(ProgressText, StaysInsideTheBarWhenThereIsMoreThanPromised) {
  EXPECT_EQ(progress_text(130, 120, 10.0), "[########################] 100 %  130/120  13.0/s  ETA 0 s");
}

TEST(ProgressText, IsACounterWithoutATotal) { EXPECT_EQ(progress_text(30, std::nullopt, 2.0), "30  15.0/s"); }

TEST(StableState, FirstFrameCountsAtOnce) {
  StableState stable;
  EXPECT_TRUE(stable.update("7"));
  EXPECT_FALSE(stable.update("7"));
}

TEST(StableState, ChangeCountsAfterFiveFramesInARow) {
  StableState stable;
  stable.update("1");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(stable.update("2")) << i;
  EXPECT_TRUE(stable.update("2"));
  EXPECT_FALSE(stable.update("2"));
}

TEST(StableState, WhatDoesNotFlickerCountsAtOnce) {
  StableState stable;
  stable.update("1", 1);
  EXPECT_TRUE(stable.update("2", 1));
  EXPECT_FALSE(stable.update("2", 1));
  EXPECT_TRUE(stable.update("1", 1));
}

TEST(StableState, FlickerDoesNotCount) {
  StableState stable;
  stable.update("1");
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(stable.update("2"));
  EXPECT_FALSE(stable.update("1"));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(stable.update("2"));
  EXPECT_FALSE(stable.update("3"));
  EXPECT_FALSE(stable.update("2"));
}

TEST(StableState, AnEmptyStateIsOneToo) {
  StableState stable;
  EXPECT_TRUE(stable.update(""));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(stable.update("1 cat"));
  EXPECT_TRUE(stable.update("1 cat"));
}

TEST(StatsText, NamesEveryCount) {
  const pipeline::SourceStats stats{.captured = 10, .ok = 6, .failed = 1, .dropped = 3, .wall_s = 2.0};
  EXPECT_EQ(stats_text("gst:x", stats), "gst:x: 6 frames in 2.00 s (3.0 frames/s), 3 dropped, 1 failed");
}

TEST(StatsText, OneFrameIsSingular) {
  const pipeline::SourceStats stats{.captured = 1, .ok = 1, .wall_s = 0.5};
  EXPECT_EQ(stats_text("x", stats), "x: 1 frame in 0.50 s (2.0 frames/s), 0 dropped, 0 failed");
  EXPECT_EQ(pictures_text(stats), "1 picture in 0.50 s (2.0 pictures/s), 0 failed");
}

/// What the table of one picture says.
std::string table_of(const pipeline::TaskResult& result) {
  const test::TempFolder folder;
  const std::filesystem::path file = folder / "text";
  const std::vector<pipeline::SourceSpec> sources = {
      {.kind = pipeline::SourceKind::kImages, .text = "", .images = {"a.png"}}};
  sinks::TextOutput out(file);
  TextReport report(out, sources);
  report.begin(0, {});
  pipeline::ProcessedFrame item;
  item.frame.source = "a.png";
  item.result = result;
  report.write(item);
  out.finish();
  return test::read_text(file);
}

TEST(TextReport, HasNoRowsOfNothing) {
  EXPECT_THAT(table_of(pipeline::Classification{.top = {{0, "cat", 0.9999}, {1, "dog", 0.0001}, {2, "cow", 1e-5}},
                                                .times = {}}),
              AllOf(HasSubstr("99.99 %  cat"), HasSubstr("0.01 %  dog"), Not(HasSubstr("cow"))));
  EXPECT_THAT(table_of(pipeline::Classification{.top = {{0, "cat", 1e-5}}, .times = {}}), HasSubstr("0.00 %  cat"))
      << "the best";
  pipeline::Segmentation mask;
  mask.classes = {{0, "road", 0.99998}, {1, "car", 0.00002}};
  EXPECT_THAT(table_of(mask), AllOf(HasSubstr("100.00 %  road"), Not(HasSubstr("car"))));
}

TEST(LiveStatus, CountsWhatCameWhatWasDroppedAndHowOldItIs) {
  LiveStatus status;
  EXPECT_EQ(status.text(), "0 frames  0.0/s  0 dropped  0.00 s old");
  pipeline::ProcessedFrame item;
  for (int i = 0; i < 50; ++i) {  // every second frame of 20 a second, a quarter of a second late
    item.frame.index = 2 * i;
    item.frame.time_s = 0.1 * i;
    status.add(item, 0.1 * i + 0.25);
  }
  EXPECT_EQ(status.text(), "50 frames  10.0/s  49 dropped  0.25 s old");
  status.add(pipeline::FrameFailure{"x", 101, pipeline::FailureKind::kProcessing, "x"}, 20.0);
  EXPECT_EQ(status.text(), "51 frames  0.0/s  51 dropped  0.25 s old") << "the rate is that of two seconds";
}

TEST(FailuresText, CountsKinds) {
  using pipeline::FailureKind;
  EXPECT_EQ(failures_text({{FailureKind::kEmpty, 1}}), "1 input could not be read: 1 empty");
  EXPECT_EQ(failures_text({{FailureKind::kNotAnImage, 2}, {FailureKind::kEmpty, 1}}),
            "3 inputs could not be read: 1 empty, 2 not an image");
}

}  // namespace
}  // namespace zoo::apps
