// `live` through the real program: many streams at once, until they end or somebody stops it.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr const char* kCamera = "gst:videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=20/1";

class Live : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::vector<std::string>& sources,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"live", demo_model()};
    for (const std::string& source : sources) all.insert(all.end(), {"--source", source});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// What was written so far, a line each.
  std::vector<Json> lines() const {
    std::vector<Json> all;
    for (const std::string& line : lines_of(read_text(json()))) {
      if (Json::accept(line)) all.push_back(Json::parse(line));  // the last one may be on its way
    }
    return all;
  }
  std::vector<Json> frames_of(const std::string& stream) const {
    std::vector<Json> all = lines();
    std::erase_if(all, [&](const Json& line) { return line.value("stream", "") != stream || !line.contains("frame"); });
    return all;
  }
  std::vector<Json> counts() const {
    std::vector<Json> all = lines();
    std::erase_if(all, [](const Json& line) { return !line.contains("total"); });
    return all;
  }
  std::string json() const { return folder_ / "lines.jsonl"; }
  std::string write(const std::string& name, const std::string& text) const {
    write_text(folder_ / name, text);
    return folder_ / name;
  }
  static std::string clip() { return demo_sample("clip.mp4"); }

  TempFolder folder_;
};

int64_t sum_of(const Json& counts) {
  int64_t sum = counts.at("ok").get<int64_t>() + counts.at("failed").get<int64_t>() + counts.at("late").get<int64_t>() +
                counts.at("in_flight").get<int64_t>();
  for (const auto& [reason, frames] : counts.at("dropped").items()) sum += frames.get<int64_t>();
  return sum;
}

TEST_F(Live, AnswersEveryFrameOfFilesSideBySide) {
  const ProgramResult result = run_program(arguments({"a=" + clip(), "b=" + clip()}, {"--json", json()}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("a: 70 frames captured: 70 answered"));
  EXPECT_THAT(result.err, HasSubstr("all: 140 frames captured: 140 answered"));
  for (const char* name : {"a", "b"}) {
    const std::vector<Json> frames = frames_of(name);
    ASSERT_THAT(frames, SizeIs(70)) << name;
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].at("frame"), i) << name;
    EXPECT_EQ(frames.front().at("model_version"), 1);
    EXPECT_EQ(frames.front().at("epoch"), 0);
    EXPECT_GE(frames.front().at("age_ms"), 0.0);
    EXPECT_THAT(frames.front().at("wall_time").get<std::string>(), HasSubstr("T"));
  }
}

TEST_F(Live, GivesThePredictionsThatPredictGives) {
  const std::string predicted = folder_ / "predict.jsonl";
  ASSERT_EQ(run_program({"predict", demo_model(), clip(), "-q", "--json", predicted}).exit_code, 0);
  ASSERT_EQ(run_program(arguments({"a=" + clip()}, {"--json", json()})).exit_code, 0);
  const std::vector<Json> frames = frames_of("a");
  const std::vector<std::string> expected = lines_of(read_text(predicted));
  ASSERT_EQ(frames.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const Json frame = Json::parse(expected[i]);
    EXPECT_EQ(frames[i].at("top"), frame.at("top")) << i;
    EXPECT_EQ(frames[i].at("time_s"), frame.at("time_s")) << i;
  }
}

TEST_F(Live, AccountsForEveryFrameInEveryLineOfCounters) {
  RunningProgram program(
      arguments({std::string("cam=") + kCamera, "file=" + clip()}, {"--json", json(), "--counts-every", "1"}));
  ASSERT_TRUE(wait_until([&] { return counts().size() >= 2; }));
  program.send(SIGTERM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  for (const Json& line : counts()) {
    int64_t captured = 0;
    for (const Json& stream : line.at("streams")) {
      EXPECT_EQ(sum_of(stream.at("counts")), stream.at("counts").at("captured")) << line;
      captured += stream.at("counts").at("captured").get<int64_t>();
    }
    EXPECT_EQ(sum_of(line.at("total")), line.at("total").at("captured")) << line;
    EXPECT_EQ(line.at("total").at("captured"), captured) << line;
  }
  const Json last = counts().back();
  EXPECT_EQ(last.at("total").at("in_flight"), 0);
  EXPECT_EQ(last.at("streams").at(0).at("counts").at("ok"), frames_of("cam").size());
  EXPECT_EQ(last.at("streams").at(1).at("counts").at("ok"), frames_of("file").size());
}

TEST_F(Live, StreamsComeAndGoWithTheirFile) {
  const std::string file = write("cams.yaml", fmt::format("streams:\n  a: {}\n  b: \"{}\"\n", clip(), kCamera));
  RunningProgram program(arguments({}, {"--streams", file, "--json", json()}));
  ASSERT_TRUE(wait_until([&] { return !frames_of("b").empty() && frames_of("a").size() == 70; }));
  EXPECT_FALSE(program.has_ended());  // more may come
  write("cams.yaml", fmt::format("streams:\n  c: {}\n  b: \"{}\"\n  d: nowhere.mp4\n", clip(), kCamera));
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("nothing was changed") != std::string::npos; }));
  write("cams.yaml", fmt::format("streams:\n  c: {}\n  b: \"{}\"\n", clip(), kCamera));
  ASSERT_TRUE(wait_until([&] { return frames_of("c").size() == 70; }));
  program.send(SIGINT);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.err;
  EXPECT_THAT(result.err, HasSubstr("cams.yaml:4:6: streams.d: nowhere.mp4: no such file or folder"));
  const std::vector<Json> frames = frames_of("b");
  for (size_t i = 1; i < frames.size(); ++i) EXPECT_GT(frames[i].at("frame"), frames[i - 1].at("frame"));
  EXPECT_EQ(frames.back().at("epoch"), 0);  // the camera was left alone
}

TEST_F(Live, AStreamOfTheFileForWhichThereIsNoRoomBeginsWhenThereIs) {
  const std::string file = write("cams.yaml", fmt::format("streams:\n  a: \"{}\"\n", kCamera));
  RunningProgram program(
      arguments({std::string("mine=") + kCamera}, {"--streams", file, "--max-streams", "2", "--json", json()}));
  ASSERT_TRUE(wait_until([&] { return !frames_of("a").empty() && !frames_of("mine").empty(); }));
  write("cams.yaml", fmt::format("streams:\n  b: {0}\n  c: {0}\n", clip()));
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("begins when another goes") != std::string::npos; }));
  write("cams.yaml", fmt::format("streams:\n  c: {}\n", clip()));
  EXPECT_TRUE(wait_until([&] { return frames_of("c").size() == 70; }));
  const size_t before = frames_of("mine").size();
  EXPECT_TRUE(wait_until([&] { return frames_of("mine").size() > before; })) << "the file is not about this one";
  program.send(SIGINT);
  program.wait();
}

TEST_F(Live, ACameraThatIsNotThereIsWaitedForAndTheOthersGoOn) {
  RunningProgram program(
      arguments({"gone=rtsp://127.0.0.1:9/none", "file=" + clip()}, {"--json", json(), "--counts-every", "1"}));
  ASSERT_TRUE(wait_until([&] {
    const std::vector<Json> all = counts();
    return !all.empty() && all.back().at("streams").at(1).at("state") == "ended";
  }));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
  EXPECT_THAT(frames_of("file"), SizeIs(70));
  const Json gone = counts().back().at("streams").at(0);
  EXPECT_EQ(gone.at("cause"), "refused") << gone;
  const std::vector<Json> failures = frames_of("gone");
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.front().at("kind"), "lost");
  EXPECT_EQ(failures.front().at("cause"), "refused");
}

TEST_F(Live, WithoutReconnectingALostSourceEndsItsStream) {
  const ProgramResult result =
      run_program(arguments({"gone=rtsp://127.0.0.1:9/none"}, {"--no-reconnect", "--json", json()}));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_EQ(counts().back().at("streams").at(0).at("state"), "failed");
}

TEST_F(Live, RecordsEachStream) {
  const ProgramResult result =
      run_program(arguments({"a=" + clip(), "b=" + clip()}, {"--save", folder_ / "out", "--max-frames", "20"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_ / "out")) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  ASSERT_THAT(names, ElementsAre(HasSubstr("a_2"), HasSubstr("b_2")));
  EXPECT_THAT(result.err, HasSubstr("saved " + (folder_ / "out") + "/" + names.front()));
}

TEST_F(Live, AHangUpWithoutATerminalIsNoEnd) {
  RunningProgram program(arguments({std::string("cam=") + kCamera}, {"--json", json()}));
  ASSERT_TRUE(wait_until([&] { return !frames_of("cam").empty(); }));
  const size_t before = frames_of("cam").size();
  program.send(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return frames_of("cam").size() > before + 5; }));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
}

TEST_F(Live, SavingTheModelFileSwapsTheNetworkAndABadOneChangesNothing) {
  const std::string model = folder_ / "model.yaml";
  const std::string good = read_text(demo_model());
  for (const char* name : {"emoji.safetensors", "emoji_labels.txt"}) {
    fs::copy_file(fs::path(demo_model()).parent_path() / name, folder_ / name);
  }
  write("model.yaml", good);
  RunningProgram program({"live", model, "--source", std::string("cam=") + kCamera, "--json", json()});
  const auto answered_by = [&](int version) {
    const std::vector<Json> frames = frames_of("cam");
    return !frames.empty() && frames.back().value("model_version", 0) == version;
  };
  ASSERT_TRUE(wait_until([&] { return answered_by(1); }));
  write("model.yaml", good + "\n# saved again\n");
  ASSERT_TRUE(wait_until([&] { return answered_by(2); }));
  write("model.yaml", good + "\nmodle: {}\n");
  ASSERT_TRUE(wait_until([&] { return program.err_so_far().find("did you mean \"model\"?") != std::string::npos; }));
  program.send(SIGHUP);  // the same file: the same answer
  write("model.yaml", good);
  ASSERT_TRUE(wait_until([&] { return answered_by(3); }));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGTERM);
  const std::vector<Json> frames = frames_of("cam");
  for (size_t i = 1; i < frames.size(); ++i) {
    EXPECT_GT(frames[i].at("frame"), frames[i - 1].at("frame"));
    EXPECT_GE(frames[i].at("model_version"), frames[i - 1].at("model_version"));
  }
  EXPECT_EQ(counts().back().at("total").at("failed"), 0);
}

TEST_F(Live, EndsWhenNobodyReadsStandardOutput) {
  const std::string script = write("closed.sh", fmt::format("{} live {} --source '{}' --json | head -n 3 > {}\n"
                                                            "exit ${{PIPESTATUS[0]}}\n",
                                                            ZOO_PROGRAM, demo_model(), kCamera, folder_ / "head"));
  const int status = std::system(fmt::format("timeout 60 bash {}", script).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 141);
  EXPECT_THAT(lines_of(read_text(folder_ / "head")), SizeIs(3));
}

struct Refusal {
  const char* name;
  std::vector<std::string> arguments;
  const char* message;
};

class LiveRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(LiveRefuses, SayingTheWayOut) {
  std::vector<std::string> arguments = {"live", demo_model()};
  arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const ProgramResult result = run_program(arguments);
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Arguments, LiveRefuses,
    ::testing::Values(Refusal{"Nothing", {}, "live: nothing to watch: give --source [NAME=]SOURCE"},
                      Refusal{"OneNameTwice", {"-s", "a=0", "-s", "a=1"}, "two streams are called a: give each a name"},
                      Refusal{"APolicyThatIsNone",
                              {"-s", "0", "--policy", "newest"},
                              "--policy: policy \"newest\": expected latest, block, every N or max-age MS"},
                      Refusal{"NoTokenForOtherMachines", {"-s", "0", "--listen", "0.0.0.0:0"}, "a token is required"},
                      Refusal{"AnAddressWithoutAHost", {"-s", "0", "--listen", "8080"}, "--listen"},
                      Refusal{"MoreStreamsThanMayBe",
                              {"-s", "0", "-s", "1", "-s", "2", "--max-streams", "2"},
                              "live: 3 streams are given, and at most 2 are allowed; leave some out, or give "
                              "--max-streams 3"},
                      Refusal{"ATokenForNothing", {"-s", "0", "--token", "secret"}, "give --listen HOST:PORT, too"},
                      Refusal{"ACodecForNothing", {"-s", "0", "--codec", "h264"}, "give --save DIR, too"}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace zoo::test
