// Recordings of named streams.
#include "sinks/stream_videos_sink.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "tests/support/ffprobe.h"
#include "tests/support/temp_folder.h"

namespace zoo::sinks {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

TEST(StreamVideosSink, ARecordingOfAnotherProcessStays) {
  const test::TempFolder folder;
  StreamVideosSink first(folder / "out", std::make_shared<RunFiles>());
  StreamVideosSink second(folder / "out", std::make_shared<RunFiles>());
  for (StreamVideosSink* sink : {&first, &second}) {
    sink->begin(0, stream_called("door"));
    sink->write(frame_of(0, 0.0));
  }
  first.finish();
  second.finish();
  const std::vector<std::string> one = first.saved();
  const std::vector<std::string> other = second.saved();
  ASSERT_THAT(one, SizeIs(1));
  ASSERT_THAT(other, SizeIs(1));
  EXPECT_NE(one, other);
  for (const auto& file : fs::directory_iterator(folder / "out")) EXPECT_GT(file.file_size(), 0U) << file.path();
}

TEST(StreamVideosSink, HasNoFileOfItsNameUntilItIsWhole) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder / "out", std::make_shared<RunFiles>());
  sink.begin(0, stream_called("door"));
  sink.write(frame_of(0, 0.0));
  for (const auto& file : fs::directory_iterator(folder / "out")) {
    EXPECT_THAT(file.path().filename().string(), MatchesRegex("\\.zoo-.*\\.part\\.mp4"));
  }
}

TEST(StreamVideosSink, AStreamWithoutAFrameLeavesNoFile) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder / "out", std::make_shared<RunFiles>());
  sink.begin(0, stream_called("door"));
  sink.finish();
  EXPECT_TRUE(fs::is_empty(folder / "out"));
}

/// No file of this process grows beyond so many bytes while it lives, as on a full disk.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

TEST(StreamVideosSink, KeepsWhatPlaysOfARecordingOnAFullDiskAndTheOthersWhole) {
  const test::TempFolder folder;
  std::vector<std::string> notes;
  StreamVideosSink sink(folder / "out", std::make_shared<RunFiles>(),
                        {.on_note = [&](const std::string& note) { notes.push_back(note); }});
  sink.begin(0, stream_called("busy"));
  sink.begin(1, stream_called("calm"));
  {
    constexpr rlim_t kBytes = 400'000;
    const SmallDisk disk(kBytes);
    for (int i = 0; i < 200; ++i) {
      pipeline::FrameEvent busy = frame_of(0, 0.04 * i, {320, 240});
      cv::randu(std::get<pipeline::ProcessedFrame>(busy).frame.image, 0, 255);
      sink.write(busy);
      sink.write(frame_of(1, 0.04 * i));
    }
    sink.finish();
  }
  EXPECT_TRUE(sink.some_failed());
  EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("busy_"), HasSubstr("this recording ends here"),
                                       HasSubstr("holds what came before, the others go on"))));
  std::vector<std::string> saved = sink.saved();
  std::ranges::sort(saved);
  ASSERT_THAT(saved, SizeIs(2));
  EXPECT_GT(test::probe(saved[0]).times.at(0).size(), 10U);
  EXPECT_EQ(test::probe(saved[1]).times.at(0).size(), 200U);
}

TEST(StreamVideosSink, ARecordingThatCannotGetItsNameStaysAndSaysWhere) {
  const test::TempFolder folder;
  std::vector<std::string> notes;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  StreamVideosSink sink("out", std::make_shared<RunFiles>(),
                        {.on_note = [&](const std::string& note) { notes.push_back(note); }});
  sink.begin(0, stream_called("door"));
  for (int i = 0; i < 5; ++i) sink.write(frame_of(0, 0.04 * i));
  fs::current_path("/proc");  // where nobody may write, and the name now leads
  sink.finish();
  fs::current_path(before);
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder / "out")) files.push_back(file.path());
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(test::probe(files[0].string()).times.at(0).size(), 5U);
  EXPECT_THAT(notes, ElementsAre(HasSubstr("it stays as " + files[0].string() + ", which plays: rename it")));
}

TEST(StreamVideosSink, NeverWritesWhereItReads) {
  const test::TempFolder folder;
  StreamVideosSink sink(folder.path(), std::make_shared<RunFiles>());
  pipeline::SourceInfo file = stream_called("clip");
  file.kind = pipeline::SourceKind::kVideoFile;
  file.name = folder / "clip.mp4";
  std::ofstream(file.name) << "not to be lost";
  sink.begin(0, file);
  sink.write(frame_of(0, 0.0));
  sink.finish();
  EXPECT_TRUE(sink.some_failed());
  EXPECT_THAT(sink.saved(), SizeIs(0));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
  EXPECT_EQ(fs::file_size(file.name), 14U);
}

}  // namespace
}  // namespace zoo::sinks
