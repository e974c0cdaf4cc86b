// Frames, their number and their times are those of the programs ffmpeg and ffprobe.
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/video/frame_source.h"
#include "tests/pipeline/video/video_cases.h"

namespace zoo::pipeline {
namespace {

using test::Verdict;

struct Read {
  std::string pixels;
  std::vector<double> times;
  std::string problem;
};

Read read_all(FrameSource& source) {
  Read read;
  while (const std::optional<FrameResult> result = source.next()) {
    if (const auto* failure = std::get_if<FrameFailure>(&*result)) {
      EXPECT_EQ(failure->kind, FailureKind::kTruncated);
      EXPECT_EQ(failure->index, static_cast<int64_t>(read.times.size()));
      EXPECT_EQ(read.problem, "") << "said once";
      read.problem = failure->message;
      continue;
    }
    const Frame& frame = std::get<Frame>(*result);
    EXPECT_EQ(frame.index, static_cast<int64_t>(read.times.size()));
    EXPECT_EQ(frame.image.type(), CV_8UC3);
    EXPECT_TRUE(frame.image.isContinuous());
    read.pixels.append(reinterpret_cast<const char*>(frame.image.data), frame.image.total() * frame.image.elemSize());
    read.times.push_back(frame.time_s);
  }
  return read;
}

class FfmpegParity : public ::testing::TestWithParam<test::VideoCase> {};

TEST_P(FfmpegParity, FramesTimesAndWhatIsSaid) {
  const test::VideoTruth truth = test::truth_of(GetParam());
  ASSERT_FALSE(truth.pixels.empty());
  for (const int threads : {1, 3}) {
    if (threads > 1 && GetParam().verdict != Verdict::kWhole) continue;  // what is made up may differ then
    const auto source = open_source((test::video_folder() / GetParam().file).string(), {.threads = threads});
    EXPECT_EQ(source->info().kind, SourceKind::kVideoFile);
    EXPECT_FALSE(source->info().live);
    const Read read = read_all(*source);
    ASSERT_EQ(read.pixels.size(), truth.pixels.size()) << read.times.size() << " frames";
    EXPECT_EQ(std::memcmp(read.pixels.data(), truth.pixels.data(), truth.pixels.size()), 0);
    ASSERT_EQ(read.times.size(), truth.times.size());
    double last = -1.0;
    for (size_t i = 0; i < read.times.size(); ++i) {
      EXPECT_GT(read.times[i], last) << "frame " << i;
      const bool rises = truth.times[i] && *truth.times[i] > last;
      if (rises) {
        EXPECT_NEAR(read.times[i], *truth.times[i], 2e-6) << "frame " << i;
      }
      last = read.times[i];
    }
    switch (GetParam().verdict) {
      case Verdict::kWhole:
        EXPECT_EQ(read.problem, "");
        break;
      case Verdict::kCutOff:
        EXPECT_THAT(read.problem, ::testing::HasSubstr("frames could be decoded: the file is cut off"));
        break;
      case Verdict::kDamaged:
        EXPECT_NE(read.problem, "");
        break;
      case Verdict::kAny:
        break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FfmpegParity, ::testing::ValuesIn(test::video_cases()),
                         [](const auto& test) { return test::test_name(test.param); });

}  // namespace
}  // namespace zoo::pipeline
