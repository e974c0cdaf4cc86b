// What happens to network streams in the field, and what the program says and answers then: the table of
// docs/predict.md.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apps/program_runner.h"
#include "tests/support/http_server.h"
#include "tests/support/rtsp_server.h"

namespace zoo::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

/// How long the program may take beyond what it waits for, on a busy machine.
constexpr std::chrono::seconds kMargin{20};

struct Patience {
  std::string open = "1.5";  ///< --open-timeout
  std::string stall = "1.5";
};
/// For a server that takes a while to start its pipeline.
const Patience kPatient{.open = "30", .stall = "30"};

std::vector<std::string> predict(const std::string& address, const Patience& patience = {},
                                 const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"predict", demo_model(),     "--source",    address,           "--json",
                                        "-",       "--open-timeout", patience.open, "--stall-timeout", patience.stall};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// `frames` pictures as cameras with a browser page send them.
HttpReply motion_jpeg(int frames, bool stall) {
  const std::string picture = read_text(demo_sample("dog.jpg"));
  std::string raw = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n";
  for (int i = 0; i < frames; ++i) {
    raw += fmt::format("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", picture.size()) + picture +
           "\r\n";
  }
  return {.stall = stall, .raw = std::move(raw)};
}

HttpReply refusal(int status) { return {.status = status}; }

/// An address whose port nobody listens on.
std::string dead_address(const std::string& scheme) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{}; });
  return fmt::format("{}://127.0.0.1:{}/cam", scheme, server.port());
}

TEST(HttpStream, ThatEndsIsLost) {
  const HttpServer server([](const HttpRequest&) { return motion_jpeg(12, false); });
  const ProgramResult result = run_program(predict(server.url("/cam.mjpg")));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("the peer ended the stream after 12 frames"),
                                HasSubstr("1 input could not be read: 1 lost")));
  EXPECT_THAT(result.out, HasSubstr(R"("kind":"lost")"));
}

TEST(HttpStream, ThatStallsIsLostAfterTheTimeout) {
  const HttpServer server([](const HttpRequest&) { return motion_jpeg(12, true); });
  const Clock::time_point start = Clock::now();
  const ProgramResult result = run_program(predict(server.url("/cam.mjpg")));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no frame for 1.5 s after "));
  EXPECT_LT(Clock::now() - start, 1500ms + kMargin);
}

TEST(HttpStream, StoppedByTheUserIsNoFailure) {
  const HttpServer server([](const HttpRequest&) { return motion_jpeg(12, true); });
  EXPECT_EQ(run_program(predict(server.url("/cam.mjpg"), {}, {"--max-frames", "2"})).exit_code, 0);
  RunningProgram running(predict(server.url("/cam.mjpg"), kPatient));
  ASSERT_TRUE(running.wait_for_output(R"("frame":)"));
  running.send(SIGINT);
  const ProgramResult result = running.wait();
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_THAT(result.err, Not(HasSubstr("lost")));
}

/// A stream that cannot be opened.
struct Unopened {
  std::string name;
  std::function<HttpReply(const HttpRequest&)> handler;
  std::string message;
};

TEST(HttpStream, ThatCannotBeOpenedSaysWhy) {
  const std::vector<Unopened> cases = {
      {"missing", [](const HttpRequest&) { return refusal(404); }, "(404); check the path"},
      {"unauthorized", [](const HttpRequest&) { return refusal(401); }, "wants a user name and a password"},
      {"forbidden", [](const HttpRequest&) { return refusal(403); }, "forbids it (403)"},
      {"broken", [](const HttpRequest&) { return refusal(503); }, "the server failed (5xx)"},
      {"silent", [](const HttpRequest&) { return HttpReply{.silent = true}; }, "closed the connection"},
      {"hanging", [](const HttpRequest&) { return HttpReply{.stall = true, .raw = "HTTP/1.1 200 OK\r\n"}; },
       "nothing came within 1.5 s"},
      {"page", [](const HttpRequest&) { return HttpReply{.body = "<html>a page</html>"}; }, "not a video"}};
  for (const Unopened& one : cases) {
    const HttpServer server(one.handler);
    const ProgramResult result = run_program(predict(server.url("/" + one.name)));
    EXPECT_EQ(result.exit_code, 1) << one.name << result.err;
    EXPECT_THAT(result.err, HasSubstr(one.message)) << one.name;
  }
}

TEST(DeadAddress, SaysThatNobodyListens) {
  for (const char* scheme : {"http", "rtsp", "rtmp"}) {
    const ProgramResult result = run_program(predict(dead_address(scheme)));
    EXPECT_EQ(result.exit_code, 1) << scheme << result.err;
    EXPECT_THAT(result.err, HasSubstr("connection refused: nothing listens there")) << scheme;
  }
  const ProgramResult result = run_program(predict("rtsp://no-such-host.invalid/cam"));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the name no-such-host.invalid is not known"));
}

TEST(RtspStream, WhoseCameraLosesPowerIsLost) {
  const RtspServer camera;
  RunningProgram running(predict(camera.url("/cam"), {.open = "30", .stall = "2"}));
  ASSERT_TRUE(running.wait_for_output(R"("frame":5)"));
  camera.send(SIGKILL);
  const ProgramResult result = running.wait(2s + kMargin);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 input could not be read: 1 lost"));
}

TEST(RtspStream, MayStallForAMomentButNotForLong) {
  const RtspServer camera;
  RunningProgram running(predict(camera.url("/cam"), {.open = "30", .stall = "3"}));
  ASSERT_TRUE(running.wait_for_output(R"("frame":3)"));
  camera.send(SIGSTOP);
  std::this_thread::sleep_for(1s);
  EXPECT_FALSE(running.has_ended());
  const size_t before = running.out_so_far().size();
  camera.send(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return running.out_so_far().size() > before + 1000; }));
  camera.send(SIGSTOP);
  const ProgramResult result = running.wait(3s + kMargin);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no frame for 3 s after "));
}

TEST(RtspStream, WantsAPasswordAndNeverShowsIt) {
  const RtspServer camera({.credentials = "admin:hunter2"});
  const std::vector<std::string> two = {"--max-frames", "2"};
  ProgramResult result = run_program(predict(camera.url("/cam"), kPatient, two));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("wants a user name and a password"));
  result = run_program(predict(camera.url("/cam", "admin:wrong1"), kPatient, two));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("wants a user name and a password"), Not(HasSubstr("wrong1"))));
  result = run_program(predict(camera.url("/other", "admin:hunter2"), kPatient, two));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("(404); check the path"));
  result = run_program(predict(camera.url("/cam", "admin:hunter2"), kPatient, two));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("admin:***@"), Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace zoo::test
