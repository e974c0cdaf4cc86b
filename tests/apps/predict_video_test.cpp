// `predict` on video files and live sources.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

#include "tests/apps/program_runner.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr const char* kLive = "gst:videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1";
// More frames in its one second than any machine can compute at the size that the test asks for.
constexpr const char* kFastLive =
    "gst:videotestsrc is-live=true num-buffers=1000 ! video/x-raw,width=64,height=64,framerate=1000/1";

std::vector<std::string> predict(std::vector<std::string> arguments) {
  std::vector<std::string> result = {"predict", demo_model()};
  result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

/// A clip whose frames grow brighter.
void make_clip(const std::string& path, int frames, cv::Size size, const char* codec = "mp4v") {
  cv::VideoWriter writer(path, cv::CAP_FFMPEG, cv::VideoWriter::fourcc(codec[0], codec[1], codec[2], codec[3]), 20.0,
                         size);
  ASSERT_TRUE(writer.isOpened());
  for (int i = 0; i < frames; ++i) writer.write(cv::Mat(size, CV_8UC3, cv::Scalar::all(2.0 * i)));
}

int frames_of(const std::string& path) {
  cv::VideoCapture capture(path, cv::CAP_FFMPEG);
  int count = 0;
  for (cv::Mat frame; capture.read(frame);) ++count;
  return count;
}

TEST(PredictVideo, EveryFrameOfAFileComesInOrder) {
  TempFolder folder;
  make_clip(folder / "clip.mp4", 40, {160, 120});
  const ProgramResult result = run_program(predict({"-s", folder / "clip.mp4", "--json"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(40));
  for (size_t i = 0; i < lines.size(); ++i) {
    const Json line = Json::parse(lines[i]);
    EXPECT_EQ(line.at("frame"), i);
    EXPECT_EQ(line.at("size"), Json({120, 160}));
    EXPECT_NEAR(line.at("time_s").get<double>(), static_cast<double>(i) / 20.0, 0.001);
  }
}

TEST(PredictVideo, TextShowsChangesOfTheBestGuessAndASummary) {
  const ProgramResult result = run_program(predict({"-s", demo_sample("clip.mp4")}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  const std::vector<std::string> lines = lines_of(result.out);
  const std::vector<std::string> labels = {"cat", "rocket", "pizza", "umbrella", "smiley"};
  ASSERT_THAT(lines, SizeIs(labels.size() + 1));
  for (size_t i = 0; i < labels.size(); ++i) {
    EXPECT_THAT(lines[i], ContainsRegex("^ +[0-9.]+ s +[0-9.]+ %  " + labels[i] + "$"));
  }
  EXPECT_THAT(lines.back(),
              ContainsRegex("clip.mp4: 70 frames in [0-9.]+ s \\([0-9.]+ frames/s\\), 0 dropped, 0 failed"));
}

TEST(PredictVideo, SaveWritesAnAnnotatedVideoOfTheSameLengthRateAndSize) {
  TempFolder folder;
  make_clip(folder / "clip.avi", 25, {161, 121}, "MJPG");
  const ProgramResult result = run_program(predict({"-s", folder / "clip.avi", "--save", folder / "out"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("saved " + (folder / "out/clip.mp4")));
  cv::VideoCapture saved(folder / "out/clip.mp4", cv::CAP_FFMPEG);
  ASSERT_TRUE(saved.isOpened());
  EXPECT_EQ(saved.get(cv::CAP_PROP_FRAME_WIDTH), 160);
  EXPECT_EQ(saved.get(cv::CAP_PROP_FRAME_HEIGHT), 120);
  EXPECT_NEAR(saved.get(cv::CAP_PROP_FPS), 20.0, 0.01);
  EXPECT_EQ(frames_of(folder / "out/clip.mp4"), 25);
}

TEST(PredictVideo, MaxFramesEndsEarly) {
  const ProgramResult result = run_program(predict({"-s", demo_sample("clip.mp4"), "--json", "--max-frames", "7"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(lines_of(result.out), SizeIs(7));
}

TEST(PredictVideo, TruncatedFileYieldsWhatItHasAndExitsWithThree) {
  TempFolder folder;
  make_clip(folder / "clip.avi", 100, {160, 120}, "MJPG");
  fs::resize_file(folder / "clip.avi", fs::file_size(folder / "clip.avi") / 2);
  const ProgramResult result = run_program(predict({"-s", folder / "clip.avi"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, ContainsRegex("clip.avi: only [0-9]+ of 100 frames could be decoded"));
  EXPECT_THAT(result.err, HasSubstr("1 input could not be read: 1 truncated"));
}

TEST(PredictVideo, FilesThatAreNoVideosAreErrors) {
  TempFolder folder;
  write_text(folder / "text.mp4", "no video");
  write_text(folder / "empty.mp4", "");
  make_clip(folder / "clip.mp4", 20, {160, 120});
  fs::resize_file(folder / "clip.mp4", fs::file_size(folder / "clip.mp4") / 2);  // without its index, at the end
  const ProgramResult text = run_program(predict({"-s", folder / "text.mp4"}));
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_EQ(text.err, "backbone-zoo: " + (folder / "text.mp4") +
                          ": not a video that FFmpeg can open (unknown format, truncated or damaged)\n");
  const ProgramResult empty = run_program(predict({"-s", folder / "empty.mp4"}));
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_EQ(empty.err, "backbone-zoo: " + (folder / "empty.mp4") + ": the file is empty\n");
  const ProgramResult cut = run_program(predict({"-s", folder / "clip.mp4"}));
  EXPECT_EQ(cut.exit_code, 1);
}

TEST(PredictVideo, OneBadVideoOfSeveralDoesNotStopTheOthers) {
  TempFolder folder;
  write_text(folder / "bad.mp4", "no video");
  make_clip(folder / "good.mp4", 10, {160, 120});
  const ProgramResult result =
      run_program(predict({"-s", folder / "bad.mp4", demo_sample("dog.jpg"), folder / "good.mp4", "--json"}));
  EXPECT_EQ(result.exit_code, 3);
  const std::vector<std::string> lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(12));
  EXPECT_EQ(Json::parse(lines[0]).at("kind"), "lost");
  EXPECT_EQ(Json::parse(lines[1]).at("source"), demo_sample("dog.jpg"));
  EXPECT_EQ(Json::parse(lines[11]).at("frame"), 9);
}

TEST(PredictVideo, VideoWithoutAKnownExtensionIsRecognised) {
  TempFolder folder;
  make_clip(folder / "clip.mp4", 10, {160, 120});
  fs::rename(folder / "clip.mp4", folder / "clip");
  const ProgramResult result = run_program(predict({"-s", folder / "clip", "--json"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(lines_of(result.out), SizeIs(10));
}

TEST(PredictVideo, CameraThatIsNotThereIsNamed) {
  const ProgramResult result = run_program(predict({"-s", "977"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("camera 977: there is no /dev/video977"));
}

TEST(PredictVideo, AddressThatDoesNotAnswerIsNamed) {
  const ProgramResult result = run_program(predict({"-s", "rtsp://127.0.0.1:9/stream"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err,
            "backbone-zoo: rtsp://127.0.0.1:9/stream: connection refused: nothing listens there; check host and port, "
            "and that the server runs\n");
}

TEST(PredictLive, SoManyFramesAsAskedForAreSavedAndSummedUp) {
  TempFolder folder;
  const ProgramResult result = run_program(predict({"-s", kLive, "--save", folder / "out", "--max-frames", "12"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, ContainsRegex("framerate=15/1: 12 frames in [0-9.]+ s"));
  EXPECT_THAT(result.out, HasSubstr("0 failed"));
  EXPECT_EQ(frames_of(folder / "out/gst.mp4"), 12);
}

// Indices count captured frames, and the newest is never dropped. That the pipeline ended is a line of its own.
TEST(PredictLive, DroppedFramesAreCountedAndShowAsGaps) {
  const ProgramResult result = run_program(predict({"-s", kFastLive, "--json", "--size", "1024"}));
  int64_t frames = 0;
  int64_t last = -1;
  for (const std::string& line : lines_of(result.out)) {
    const Json item = Json::parse(line);
    if (item.contains("error")) continue;
    const int64_t frame = item.at("frame");
    EXPECT_GT(frame, last);
    last = frame;
    ++frames;
  }
  const int64_t dropped = last + 1 - frames;
  EXPECT_GT(dropped, 0);
  EXPECT_THAT(result.err, ContainsRegex(fmt::format(": {} frames in .*, {} dropped, 1 failed", frames, dropped)));
  EXPECT_EQ(result.exit_code, 3);
}

TEST(PredictLive, BrokenPipelineIsAnErrorThatShowsIt) {
  const ProgramResult result = run_program(predict({"-s", "gst:videotestsrc ! nosuchelement"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("gst:videotestsrc ! nosuchelement: GStreamer cannot build this pipeline: no element "
                        "\"nosuchelement\""));
  const auto begin = std::chrono::steady_clock::now();
  const ProgramResult first = run_program(predict({"-s", "gst:nosuchsource is-live=true ! videoconvert"}));
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.err, HasSubstr("no element \"nosuchsource\""));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << "it waited for frames";
}

class StopSignal : public ::testing::TestWithParam<int> {};

TEST_P(StopSignal, FinishesTheVideoAndTheSummaryAndExitsWithItsNumber) {
  TempFolder folder;
  RunningProgram program(predict({"-s", kLive, "--save", folder / "out", "--json", folder / "out.jsonl"}));
  ASSERT_TRUE(program.wait_for_output(" s "));  // the first result
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  program.send(GetParam());
  const ProgramResult result = program.wait(std::chrono::seconds(30));
  EXPECT_EQ(result.exit_code, 128 + GetParam());
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(ContainsRegex("framerate=15/1: [0-9]+ frames in"), HasSubstr("saved ")));
  const std::vector<std::string> lines = lines_of(read_text(folder / "out.jsonl"));
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) EXPECT_TRUE(Json::accept(line)) << line;
  EXPECT_EQ(frames_of(folder / "out/gst.mp4"), static_cast<int>(lines.size()));
}

INSTANTIATE_TEST_SUITE_P(All, StopSignal, ::testing::Values(SIGINT, SIGTERM, SIGHUP), [](const auto& test) {
  return test.param == SIGINT ? "interrupt" : test.param == SIGTERM ? "terminate" : "hang_up";
});

TEST(PredictPictures, StoppedSayHowFarTheyCame) {
  std::vector<std::string> arguments = {"-s"};
  arguments.insert(arguments.end(), 5000, demo_sample("dog.jpg"));
  RunningProgram program(predict(arguments));
  ASSERT_TRUE(program.wait_for_output("dog.jpg"));
  program.send(SIGINT);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, ContainsRegex("stopped after [0-9]+ of 5000 pictures\n"));
}

struct HangingSource {
  const char* name;
  const char* pipeline;
};

class Hanging : public ::testing::TestWithParam<HangingSource> {};

TEST_P(Hanging, DoesNotKeepTheProgramFromStopping) {
  TempFolder folder;
  RunningProgram program(predict({"-s", GetParam().pipeline, "--save", folder / "out"}));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  program.send(SIGINT);
  const ProgramResult result = program.wait(std::chrono::seconds(30));
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, Hanging,
    ::testing::Values(
        HangingSource{
            "while_opening",
            "gst:videotestsrc is-live=true ! video/x-raw,width=64,height=64,framerate=10/1 ! valve drop=true"},
        HangingSource{"between_frames",
                      "gst:videotestsrc is-live=true ! video/x-raw,width=64,height=64,framerate=10/1 ! identity "
                      "sleep-time=60000000"}),
    [](const auto& test) { return test.param.name; });

TEST(PredictLive, HangUpIsIgnoredWhereItWasAtTheStart) {
  TempFolder folder;
  RunningProgram program(predict({"-s", kLive, "--save", folder / "out"}), {}, "", SIGHUP);
  ASSERT_TRUE(program.wait_for_output(" s "));
  ASSERT_TRUE(program.deliver(SIGHUP));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait(std::chrono::seconds(30)).exit_code, 128 + SIGTERM);
}

/// A pipe that nobody reads and that is full, so that whoever writes to it waits for ever.
class FullPipe {
 public:
  explicit FullPipe(const std::string& path) {
    if (mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo " + path);
    descriptor_ = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    const std::vector<char> bytes(4096);
    while (write(descriptor_, bytes.data(), bytes.size()) > 0) {
    }
    while (write(descriptor_, bytes.data(), 1) > 0) {
    }
  }
  ~FullPipe() { close(descriptor_); }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

 private:
  int descriptor_ = -1;
};

TEST(PredictVideo, SecondSignalEndsAtOnce) {
  TempFolder folder;
  const FullPipe pipe(folder / "pipe");
  RunningProgram program({"predict", source_path("configs/demo/emoji_segmentation.yaml"), "-s", demo_sample("clip.mp4"),
                          "--masks", folder / "masks", "--json"},
                         {}, folder / "pipe");
  // Behind the first label map comes the first line, which no signal gets through the pipe.
  ASSERT_TRUE(wait_until([&] { return program.has_ended() || fs::exists(folder / "masks/clip_000000.png"); }));
  ASSERT_TRUE(program.deliver(SIGINT));
  ASSERT_FALSE(program.has_ended()) << "the first signal is one too many";
  program.send(SIGINT);
  const ProgramResult result = program.wait(std::chrono::seconds(30));
  EXPECT_EQ(result.signal, SIGINT) << "exit code " << result.exit_code;
}

}  // namespace
}  // namespace zoo::test
