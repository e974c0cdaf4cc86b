// Recordings of named streams.
#include "sinks/stream_videos_sink.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/support/ffprobe.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

pipeline::SourceInfo stream_called(const std::string& name) {
  pipeline::SourceInfo info;
  info.kind = pipeline::SourceKind::kStream;
  info.name = "rtsp://camera/" + name;
  info.stem = "camera";
  info.live = true;
  info.stream_name = name;
  return info;
}

pipeline::FrameEvent frame_of(size_t stream, double time_s, cv::Size size = {64, 48}) {
  pipeline::ProcessedFrame item;
  item.frame.image = cv::Mat(size, CV_8UC3, cv::Scalar::all(90));
  item.frame.stream = stream;
  item.frame.time_s = time_s;
  item.result = pipeline::Classification{};
  return item;
}

TEST(StreamVideosSink, RecordsEachStreamUnderItsName) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder / "out", std::make_shared<RunFiles>());
  sink.begin(0, stream_called("door"));
  sink.begin(1, stream_called("yard"));
  for (int i = 0; i < 5; ++i) {
    sink.write(frame_of(0, 0.2 * i));
    sink.write(frame_of(1, 0.2 * i, i < 3 ? cv::Size(64, 48) : cv::Size(32, 32)));
  }
  sink.write(pipeline::FrameFailure{.source = "x", .message = "x", .stream = 0});
  sink.end(0, {});
  sink.finish();
  std::vector<std::string> saved = sink.saved();
  ASSERT_THAT(saved, SizeIs(2));
  std::ranges::sort(saved);
  EXPECT_THAT(fs::path(saved[0]).filename().string(), MatchesRegex("door_[0-9]{8}T[0-9]{6}Z.mp4"));
  EXPECT_THAT(fs::path(saved[1]).filename().string(), MatchesRegex("yard_[0-9]{8}T[0-9]{6}Z.mp4"));
  for (const std::string& file : saved) EXPECT_GT(fs::file_size(file), 0U) << file;
  EXPECT_THAT(sink.saved(), SizeIs(0));
}

TEST(StreamVideosSink, AStreamThatBeginsAgainTakesNoRecordingsPlace) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder / "out", std::make_shared<RunFiles>());
  for (size_t stream = 0; stream < 3; ++stream) {  // of one name, within a second
    sink.begin(stream, stream_called("door"));
    sink.write(frame_of(stream, 0.0));
    sink.end(stream, {});
  }
  sink.finish();
  EXPECT_THAT(sink.saved(), SizeIs(3));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "out"), fs::directory_iterator()), 3);
}

TEST(StreamVideosSink, NeverWritesWhereItReads) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder.path(), std::make_shared<RunFiles>());
  pipeline::SourceInfo file = stream_called("clip");
  file.kind = pipeline::SourceKind::kVideoFile;
  file.name = folder / "clip.mp4";
  EXPECT_THROW(
      {
        sink.begin(0, file);
        sink.write(frame_of(0, 0.0));
        sink.end(0, {});
      },
      IoError);
}

}  // namespace
}  // namespace zoo::sinks
