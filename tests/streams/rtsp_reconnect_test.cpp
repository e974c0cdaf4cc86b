// A camera over RTSP that dies, hangs, comes back as another, or refuses: a real server in a process of its own.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nn/core/stopwatch.h"
#include "streams/reconnecting_source.h"
#include "tests/support/rtsp_server.h"

namespace zoo::streams {
namespace {

using pipeline::LossCause;
using test::RtspServer;
using namespace std::chrono_literals;

/// Reads a camera for as long as it lives, and remembers what came.
class Viewer {
 public:
  explicit Viewer(const std::string& url) : source_(options_for(url)), reading_([this] { read(); }) {}
  ~Viewer() {
    const Stopwatch watch;
    source_.stop();
    reading_.join();
    testing::Test::RecordProperty("stopped_after_ms", static_cast<int>(watch.elapsed_ms()));
  }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  struct State {
    std::vector<LossCause> losses;
    int64_t frames = 0;
    int64_t epoch = 0;  ///< of the last frame
    int64_t last_index = -1;
    int width = 0;
    SourceStatus status;
    int tries = 0;
  };

  /// Waits until that holds, which it must.
  State wait_for(const std::function<bool(const State&)>& holds) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return holds(state_); }));
    return state_;
  }

 private:
  ReconnectOptions options_for(const std::string& url) {
    const pipeline::SourceSpec spec{.kind = pipeline::SourceKind::kStream, .text = url, .images = {}};
    ReconnectOptions options;
    options.open = [this, spec](const std::atomic<bool>& stop) {
      change([](State& state) { ++state.tries; });
      return pipeline::open_source(spec, {.open_timeout = 2s, .stall_timeout = 500ms, .stop = &stop});
    };
    options.info.name = pipeline::name_of(spec);
    options.info.live = true;
    options.probe = make_source_probe(spec);
    options.on_status = [this](const SourceStatus& status) { change([&](State& state) { state.status = status; }); };
    return options;
  }

  void read() {
    while (auto result = source_.next()) {
      change([&](State& state) {
        if (const auto* frame = std::get_if<pipeline::Frame>(&*result)) {
          EXPECT_GT(frame->index, state.last_index);
          state.last_index = frame->index;
          state.width = frame->image.cols;
          state.epoch = frame->epoch;
          ++state.frames;
        } else {
          const auto& failure = std::get<pipeline::FrameFailure>(*result);
          EXPECT_GT(failure.index, state.last_index);
          state.last_index = failure.index;
          state.losses.push_back(failure.cause);
        }
      });
    }
  }

  void change(const std::function<void(State&)>& what) {
    const std::lock_guard lock(mutex_);
    what(state_);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  State state_;
  ReconnectingSource source_;
  std::jthread reading_;
};

/// For whom wants to know; nothing depends on it.
void tell(const std::string& what, const Stopwatch& watch) {
  fmt::print("{} after {:.0f} ms\n", what, watch.elapsed_ms());
}

/// Seconds that a fault lasts; ZOO_FAULT_SECONDS=20 for the long run.
std::chrono::seconds fault_time() {
  const char* const seconds = std::getenv("ZOO_FAULT_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 2 : std::atoi(seconds));
}

TEST(RtspReconnect, AKilledServerIsBackWithAnotherResolution) {
  auto camera = std::make_unique<RtspServer>();
  const std::string port = camera->port();
  Viewer viewer(camera->url("/cam"));
  viewer.wait_for([](const auto& state) { return state.frames > 3; });
  camera.reset();
  auto state = viewer.wait_for([](const auto& now) { return !now.losses.empty(); });
  EXPECT_EQ(state.losses, std::vector{LossCause::kEnded});
  viewer.wait_for([](const auto& now) { return now.status.cause == LossCause::kRefused; });
  std::this_thread::sleep_for(fault_time());
  camera = std::make_unique<RtspServer>(test::RtspCamera{.port = port, .width = 320, .height = 240});
  const Stopwatch watch;
  state = viewer.wait_for([](const auto& now) { return now.width == 320; });
  tell("killed: frames are back", watch);
  EXPECT_EQ(state.epoch, 1);
  EXPECT_EQ(state.losses.size(), 1U);
}

TEST(RtspReconnect, AServerThatHungGoesOn) {
  const RtspServer camera;
  Viewer viewer(camera.url("/cam"));
  viewer.wait_for([](const auto& state) { return state.frames > 3; });
  camera.send(SIGSTOP);
  auto state = viewer.wait_for([](const auto& now) { return !now.losses.empty(); });
  EXPECT_EQ(state.losses, std::vector{LossCause::kTimeout});
  std::this_thread::sleep_for(fault_time());
  camera.send(SIGCONT);
  const Stopwatch watch;
  state = viewer.wait_for([](const auto& now) { return now.epoch == 1; });
  tell("stopped: frames are back", watch);
  EXPECT_EQ(state.losses.size(), 1U);
}

TEST(RtspReconnect, AWrongPasswordIsTriedSeldom) {
  auto camera = std::make_unique<RtspServer>(test::RtspCamera{.credentials = "admin:secret"});
  const std::string port = camera->port();
  Viewer viewer(camera->url("/cam", "admin:wrong"));
  auto state = viewer.wait_for([](const auto& now) { return now.status.state == StreamState::kWaiting; });
  EXPECT_EQ(state.losses, std::vector{LossCause::kAuthentication});
  EXPECT_EQ(state.status.message.find("wrong"), std::string::npos);
  std::this_thread::sleep_for(fault_time());
  state = viewer.wait_for([](const auto& now) { return now.status.state == StreamState::kWaiting; });
  fmt::print("wrong password: {} tries in {} s\n", state.tries, fault_time().count());
  camera.reset();
  viewer.wait_for([](const auto& now) { return now.status.cause == LossCause::kRefused; });
  camera = std::make_unique<RtspServer>(test::RtspCamera{.credentials = "admin:wrong", .port = port});
  const Stopwatch watch;
  state = viewer.wait_for([](const auto& now) { return now.frames > 0; });
  tell("right password: frames come", watch);
  EXPECT_EQ(state.losses.size(), 1U);
}

TEST(RtspReconnect, StopsWhileTheServerHangs) {
  const RtspServer camera;
  Viewer viewer(camera.url("/cam"));
  viewer.wait_for([](const auto& state) { return state.frames > 3; });
  camera.send(SIGSTOP);
  viewer.wait_for([](const auto& now) { return !now.losses.empty() && now.tries > 1; });
}

}  // namespace
}  // namespace zoo::streams
