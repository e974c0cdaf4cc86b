#include "streams/reconnecting_source.h"

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

using pipeline::FailureKind;
using pipeline::Frame;
using pipeline::FrameFailure;
using pipeline::FrameResult;
using pipeline::LossCause;
using pipeline::LossError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

/// Whoever waits finds the time come; for tests of one thread.
class JumpingClock : public Clock {
 public:
  TimePoint now() const override { return now_; }
  WallTime wall_time() const override { return {}; }
  bool wait_until(std::unique_lock<std::mutex>& /*lock*/, std::condition_variable& /*changed*/, TimePoint deadline,
                  const std::function<bool()>& ready) override {
    if (ready()) return true;
    now_ = std::max(now_, deadline);
    return ready();
  }
  void pass(Duration time) { now_ += time; }
  double since_start_s() const { return std::chrono::duration<double>(now_ - TimePoint{}).count(); }

 private:
  TimePoint now_ = {};
};

enum class End { kLost, kThrows, kByItself };

struct Session {
  int frames = 0;
  End end = End::kLost;
  std::optional<LossCause> cannot_open = std::nullopt;
};

class ScriptedSource : public pipeline::FrameSource {
 public:
  ScriptedSource(Session session, bool live, JumpingClock& clock) : session_(session), clock_(clock) {
    info_.name = "door";
    info_.live = live;
  }

  std::optional<FrameResult> next() override {
    if (index_ < session_.frames) {
      clock_.pass(100ms);
      Frame frame{.image = {}, .source = "door", .index = index_++};
      frame.time_s = 0.1 * static_cast<double>(index_);
      return frame;
    }
    if (session_.end == End::kThrows) throw LossError(LossCause::kCodec, "door: cannot be decoded");
    if (session_.end == End::kByItself) return std::nullopt;
    return FrameFailure{"door", index_, FailureKind::kLost, "door: ended", 0, LossCause::kEnded};
  }
  const pipeline::SourceInfo& info() const override { return info_; }

 private:
  Session session_;
  JumpingClock& clock_;
  pipeline::SourceInfo info_;
  int64_t index_ = 0;
};

/// A source by a script of what each opening finds.
struct Camera {
  std::deque<Session> sessions;
  bool live = true;
  bool answers = true;
  JumpingClock clock;
  std::vector<double> opened_at_s;
  std::vector<std::string> told;
  int probes = 0;

  ReconnectOptions options() {
    ReconnectOptions result;
    result.open = [this](const std::atomic<bool>&) -> std::unique_ptr<pipeline::FrameSource> {
      opened_at_s.push_back(clock.since_start_s());
      if (sessions.empty()) throw Error("the script has ended");
      const Session session = sessions.front();
      sessions.pop_front();
      if (session.cannot_open) throw LossError(*session.cannot_open, "door: cannot be opened");
      return std::make_unique<ScriptedSource>(session, live, clock);
    };
    result.info.name = "door";
    result.info.live = live;
    result.backoff.jitter = 0.0;
    result.clock = &clock;
    result.on_status = [this](const SourceStatus& status) {
      told.push_back(std::string(to_string(status.state)) + " " + std::string(to_string(status.cause)));
    };
    return result;
  }
  SourceProbe probe() {
    return [this] {
      ++probes;
      return answers;
    };
  }
};

struct Event {
  int64_t index;
  int64_t epoch;
  std::string what;

  bool operator==(const Event&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << event.index << " " << event.epoch << " " << event.what;
  }
};

std::vector<Event> events_of(ReconnectingSource& source) {
  std::vector<Event> events;
  double last_s = -1.0;
  while (auto result = source.next()) {
    if (const auto* frame = std::get_if<Frame>(&*result)) {
      EXPECT_GT(frame->time_s, last_s);
      last_s = frame->time_s;
      events.push_back({frame->index, frame->epoch, "frame"});
    } else {
      const auto& failure = std::get<FrameFailure>(*result);
      EXPECT_EQ(failure.kind, FailureKind::kLost);
      events.push_back({failure.index, failure.epoch, std::string(to_string(failure.cause))});
    }
  }
  EXPECT_EQ(source.next(), std::nullopt);
  return events;
}

TEST(ReconnectingSource, CountsOnOverLosses) {
  Camera camera;
  camera.sessions = {{.frames = 2}, {.frames = 1, .end = End::kThrows}, {.frames = 1, .end = End::kByItself}};
  ReconnectingSource source(camera.options());
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "frame"}, Event{1, 0, "frame"}, Event{2, 0, "ended"},
                                             Event{3, 1, "frame"}, Event{4, 1, "codec"}, Event{5, 2, "frame"}));
  EXPECT_THAT(camera.told, ElementsAre("opening none", "running none", "opening ended", "running none", "waiting codec",
                                       "opening codec", "running none", "ended none"));
}

TEST(ReconnectingSource, SaysOnceThatItIsLost) {
  Camera camera;
  camera.sessions = {{.frames = 1},
                     {.cannot_open = LossCause::kRefused},
                     {.frames = 0},
                     {.cannot_open = LossCause::kTimeout},
                     {.frames = 1, .end = End::kByItself}};
  ReconnectingSource source(camera.options());
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "frame"}, Event{1, 0, "ended"}, Event{2, 1, "frame"}));
  EXPECT_THAT(camera.opened_at_s, ElementsAre(0.0, 0.1, 0.6, 1.6, 3.6));
}

TEST(ReconnectingSource, WhatCannotBeOpenedAtFirstIsLost) {
  Camera camera;
  camera.sessions = {{.cannot_open = LossCause::kNotFound}, {.frames = 1, .end = End::kByItself}};
  ReconnectingSource source(camera.options());
  EXPECT_EQ(source.info().name, "door");
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "not_found"}, Event{1, 0, "frame"}));
}

TEST(ReconnectingSource, WaitsLongerAndLongerUntilFramesHaveComeForLong) {
  Camera camera;
  camera.sessions = {{.frames = 1},  {.frames = 1},   {.frames = 1},
                     {.frames = 99}, {.frames = 101}, {.frames = 1, .end = End::kByItself}};
  ReconnectingSource source(camera.options());
  events_of(source);
  std::vector<double> waits;
  const std::vector<double> lasted_s = {0.1, 0.1, 0.1, 9.9, 10.1};
  for (size_t i = 0; i < lasted_s.size(); ++i) {
    waits.push_back(std::round(10.0 * (camera.opened_at_s[i + 1] - camera.opened_at_s[i] - lasted_s[i])) / 10.0);
  }
  EXPECT_THAT(waits, ElementsAre(0.0, 0.5, 1.0, 2.0, 0.0));
}

TEST(ReconnectingSource, OpensAtOnceWhenTheServerIsBack) {
  Camera camera;
  camera.sessions = {{.frames = 1}};
  for (int i = 0; i < 8; ++i) camera.sessions.push_back({.cannot_open = LossCause::kRefused});
  camera.sessions.push_back({.frames = 1, .end = End::kByItself});
  ReconnectOptions options = camera.options();
  camera.answers = false;
  options.probe = [&] {
    ++camera.probes;
    return camera.clock.since_start_s() > 70.0;  // within the wait of 30 s that began after 61 s
  };
  ReconnectingSource source(std::move(options));
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "frame"}, Event{1, 0, "ended"}, Event{2, 1, "frame"}));
  EXPECT_GT(camera.opened_at_s.back(), 70.0);
  EXPECT_LE(camera.opened_at_s.back(), 70.5);
}

TEST(ReconnectingSource, WhatAnswersAndRefusesIsLeftAlone) {
  Camera camera;
  for (int i = 0; i < 5; ++i) camera.sessions.push_back({.cannot_open = LossCause::kAuthentication});
  camera.sessions.push_back({.frames = 1, .end = End::kByItself});
  ReconnectOptions options = camera.options();
  options.probe = camera.probe();
  ReconnectingSource source(std::move(options));
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "authentication"}, Event{1, 0, "frame"}));
  EXPECT_THAT(camera.opened_at_s, ElementsAre(0.0, 0.0, 0.5, 1.5, 3.5, 7.5));
}

TEST(ReconnectingSource, AServerThatHangsIsWaitedForWithAnOpenConnection) {
  Camera camera;
  for (int i = 0; i < 5; ++i) camera.sessions.push_back({.cannot_open = LossCause::kTimeout});
  camera.sessions.push_back({.frames = 1, .end = End::kByItself});
  ReconnectOptions options = camera.options();
  options.probe = camera.probe();
  ReconnectingSource source(std::move(options));
  events_of(source);
  EXPECT_THAT(camera.opened_at_s, ElementsAre(0.0, 0.0, 0.5, 1.0, 1.5, 2.0));
}

TEST(ReconnectingSource, EndsAfterALossIfItIsNotToComeBack) {
  Camera camera;
  camera.sessions = {{.frames = 1}, {.frames = 1}};
  ReconnectOptions options = camera.options();
  options.reconnects = false;
  ReconnectingSource source(std::move(options));
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "frame"}, Event{1, 0, "ended"}));
  EXPECT_THAT(camera.told, ElementsAre("opening none", "running none", "failed ended"));
}

TEST(ReconnectingSource, WhatIsWrongWithTheRequestIsFinal) {
  Camera camera;
  ReconnectingSource source(camera.options());
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "other"}));
  EXPECT_THAT(camera.told, ElementsAre("opening none", "failed other"));
}

TEST(ReconnectingSource, AFilmOverTheNetworkGoesOnWhereItBroke) {
  Camera camera;
  camera.live = false;
  camera.sessions = {{.frames = 3}, {.frames = 2}, {.frames = 5, .end = End::kByItself}};
  ReconnectingSource source(camera.options());
  EXPECT_THAT(events_of(source), ElementsAre(Event{0, 0, "frame"}, Event{1, 0, "frame"}, Event{2, 0, "frame"},
                                             Event{3, 0, "ended"}, Event{4, 1, "frame"}, Event{5, 1, "frame"}));
}

TEST(ReconnectingSource, StopEndsAWait) {
  Camera camera;
  camera.sessions = {{.cannot_open = LossCause::kRefused}, {.cannot_open = LossCause::kRefused}};
  ReconnectOptions options = camera.options();
  options.clock = nullptr;
  options.backoff.first = std::chrono::hours(1);
  options.backoff.most = std::chrono::hours(1);
  ReconnectingSource source(std::move(options));
  ASSERT_TRUE(source.next());
  std::jthread waiting([&] { EXPECT_EQ(source.next(), std::nullopt); });
  source.stop();
  waiting.join();
  EXPECT_EQ(camera.told.back().substr(0, 5), "ended");
}

TEST(ReconnectingSource, StopReachesWhatIsBeingOpened) {
  Camera camera;
  ReconnectOptions options = camera.options();
  options.open = [](const std::atomic<bool>& stop) -> std::unique_ptr<pipeline::FrameSource> {
    while (!stop) std::this_thread::yield();
    throw LossError(LossCause::kOther, "door: stopped while it was being opened");
  };
  ReconnectingSource source(std::move(options));
  std::jthread opening([&] { EXPECT_EQ(source.next(), std::nullopt); });
  source.stop();
}

TEST(ReconnectingSource, KnowsWhatComesBack) {
  using pipeline::SourceKind;
  EXPECT_TRUE(can_come_back({.kind = SourceKind::kStream, .text = "rtsp://a/b", .images = {}}));
  EXPECT_TRUE(can_come_back({.kind = SourceKind::kCamera, .text = "0", .images = {}}));
  EXPECT_TRUE(can_come_back({.kind = SourceKind::kGStreamer, .text = "x", .images = {}}));
  EXPECT_FALSE(can_come_back({.kind = SourceKind::kVideoFile, .text = "a.mp4", .images = {}}));
  EXPECT_FALSE(can_come_back({.kind = SourceKind::kPipe, .text = "-", .images = {}}));
  EXPECT_FALSE(can_come_back({.kind = SourceKind::kImages, .text = "", .images = {"a.jpg"}}));
}

}  // namespace
}  // namespace zoo::streams
