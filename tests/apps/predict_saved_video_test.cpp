// The videos that `predict --save` writes.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/program_runner.h"
#include "tests/support/ffprobe.h"

namespace zoo::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr const char* kLive = "gst:videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=60/1";
// More frames in its one second than any machine can compute at the size that the test asks for.
constexpr const char* kFastLive =
    "gst:videotestsrc is-live=true num-buffers=1000 ! video/x-raw,width=64,height=64,framerate=1000/1";

class SavedVideo : public ::testing::Test {
 protected:
  ProgramResult predict(const std::string& source, const std::vector<std::string>& more = {}) {
    return run_program(arguments(source, more));
  }
  std::vector<std::string> arguments(const std::string& source, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"predict", demo_model(), "-s",     source,           "--save",
                                    out(),     "-q",         "--json", folder_ / "jsonl"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// A clip of 64x48 pixels, made by ffmpeg.
  std::string clip(const std::string& name, const std::string& made) {
    run_ffmpeg(fmt::format("{} '{}'", made, folder_ / name));
    return folder_ / name;
  }
  std::string out() const { return folder_ / "out"; }
  /// What the JSON lines say; that the live source has ended is a line without.
  std::vector<double> frame_times() const {
    std::vector<double> times;
    for (const std::string& line : lines_of(read_text(folder_ / "jsonl"))) {
      const Json frame = Json::parse(line);
      if (frame.contains("time_s")) times.push_back(frame.at("time_s"));
    }
    return times;
  }

  TempFolder folder_;
};

void expect_times(const std::vector<double>& found, const std::vector<double>& times) {
  ASSERT_THAT(found, SizeIs(times.size()));
  for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(found[i], times[i] - times[0], 1e-3) << i;
}

TEST_F(SavedVideo, HasSoundAndPlaysInBrowsers) {
  const std::string source = clip("clip.mp4", "-f lavfi -i testsrc=d=2:r=20:s=64x48 -f lavfi -i sine=d=2 -c:v mpeg4");
  const ProgramResult result = predict(source, {"--max-frames", "30"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  const Probed probed = probe(fs::path(out()) / "clip.mp4");
  ASSERT_THAT(probed.streams, SizeIs(2));
  EXPECT_EQ(probed.streams[0].at("codec_name"), "h264");
  EXPECT_EQ(probed.streams[0].at("pix_fmt"), "yuv420p");
  EXPECT_EQ(probed.streams[0].at("nb_frames"), "30");
  EXPECT_EQ(probed.streams[1].at("codec_name"), "aac");
  EXPECT_NEAR(probed.seconds(0, "duration"), 1.5, 0.001);
  EXPECT_NEAR(probed.seconds(1, "duration"), 1.5, 0.07);
}

TEST_F(SavedVideo, OfVariableRateKeepsItsTimes) {
  const std::string source =
      clip("clip.mkv",
           "-f lavfi -i testsrc=d=4:r=20:s=64x48 -vf \"select='not(mod(n,3))+gt(n,60)'\" -vsync vfr "
           "-c:v mpeg4");
  EXPECT_EQ(predict(source).exit_code, 0);
  expect_times(probe(fs::path(out()) / "clip.mp4").times[0], probe(source).times[0]);
}

TEST_F(SavedVideo, KeepsTheShapeOfPixels) {
  EXPECT_EQ(predict(clip("clip.mp4", "-f lavfi -i testsrc=d=1:s=72x58 -vf setsar=16/11")).exit_code, 0);
  EXPECT_EQ(probe(fs::path(out()) / "clip.mp4").streams[0].at("sample_aspect_ratio"), "16:11");
}

TEST_F(SavedVideo, OfALiveSourceHasTheTimesOfCapture) {
  const ProgramResult result = predict(kFastLive, {"--size", "1024"});
  const std::vector<double> times = frame_times();
  ASSERT_LT(times.size(), 900U) << "nothing was dropped";
  EXPECT_GT(times.back() - times.front(), 0.5);
  expect_times(probe(fs::path(out()) / "gst.mp4").times[0], times);
}

TEST_F(SavedVideo, OfAKilledRunPlays) {
  RunningProgram program(arguments(kLive));
  const auto part = [this] {
    fs::path found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(out(), error)) found = entry.path();
    return found;
  };
  ASSERT_TRUE(wait_until([&] {
    std::error_code error;
    return program.has_ended() || fs::file_size(part(), error) + 1 > 5001;  // the first fragment
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  program.send(SIGKILL);
  EXPECT_EQ(program.wait().signal, SIGKILL);
  EXPECT_THAT(part().filename().string(), HasSubstr(".part"));
  EXPECT_GE(probe(part()).times[0].size(), 60U);
  EXPECT_TRUE(decodes_cleanly(part()));
}

TEST_F(SavedVideo, HasTheCodecAndRateThatAreAskedFor) {
  const std::string source = clip("clip.mp4", "-f lavfi -i testsrc=d=2:r=20:s=64x48 -c:v mpeg4");
  EXPECT_EQ(predict(source, {"--codec", "mpeg4", "--fps", "5"}).exit_code, 0);
  const Probed probed = probe(fs::path(out()) / "clip.mp4");
  EXPECT_EQ(probed.streams[0].at("codec_name"), "mpeg4");
  expect_times(probed.times[0], {0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8});
}

TEST_F(SavedVideo, FlagsAreChecked) {
  const ProgramResult codec = predict("clip.mp4", {"--codec", "h246"});
  EXPECT_EQ(codec.exit_code, 2);
  EXPECT_THAT(codec.err, HasSubstr("--codec: h246 is none of auto, h264, mpeg4, mjpeg; did you mean h264?"));
  EXPECT_EQ(predict("clip.mp4", {"--fps", "0"}).exit_code, 2);
  const ProgramResult unsaved = run_program({"predict", demo_model(), demo_sample("clip.mp4"), "--fps", "5"});
  EXPECT_EQ(unsaved.exit_code, 2);
  EXPECT_THAT(unsaved.err, HasSubstr("--fps says how videos are saved: give --save DIR, too"));
}

// 8 KiB are less than the video.
TEST_F(SavedVideo, ThatTheDiskDoesNotTakeIsNamedAndRemoved) {
  const std::string command = fmt::format("bash -c 'ulimit -f 8; {} predict {} -s {} --save {} > {} 2>&1'; echo $?",
                                          ZOO_PROGRAM, demo_model(), demo_sample("clip.mp4"), out(), folder_ / "err");
  EXPECT_EQ(output_of(command), "1\n");
  EXPECT_THAT(read_text(folder_ / "err"),
              HasSubstr("out/clip.mp4: writing failed: File too large: make room, or save elsewhere (--save)"));
  EXPECT_TRUE(fs::is_empty(out()));
}

}  // namespace
}  // namespace zoo::test
