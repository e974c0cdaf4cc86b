#include "streams/sink_runner.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "tests/streams/gate.h"
#include "tests/streams/live_run.h"
#include "tests/support/manual_clock.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using WhenSlow = pipeline::ResultSink::WhenSlow;

/// Asks functions.
class ScriptedSink : public pipeline::ResultSink {
 public:
  std::string name() const override { return "scripted"; }
  bool wants_drawing() const override { return drawing; }
  bool wants_plain() const override { return plain; }
  WhenSlow when_slow() const override { return slow; }
  std::chrono::milliseconds time_limit() const override { return limit; }
  void prepare(pipeline::ProcessedFrame& /*item*/) const override {
    if (on_prepare) on_prepare();
  }
  void write(const pipeline::FrameEvent& event) override {
    if (on_write) on_write(std::get<pipeline::ProcessedFrame>(event).frame);
  }
  void end(size_t /*stream*/, const pipeline::SourceStats& /*stats*/) override {
    if (on_end) on_end();
  }
  std::vector<std::string> saved() override { return std::exchange(what_was_saved, {}); }

  bool drawing = false;
  bool plain = false;
  WhenSlow slow = WhenSlow::kWait;
  std::chrono::milliseconds limit{60'000};
  std::function<void()> on_prepare;
  std::function<void(const pipeline::Frame&)> on_write;
  std::function<void()> on_end;
  std::vector<std::string> what_was_saved;
};

std::shared_ptr<const pipeline::FrameEvent> event_of(int64_t index) {
  return std::make_shared<const pipeline::FrameEvent>(
      pipeline::ProcessedFrame{.frame = numbered_frame(index), .result = {}});
}

TEST(SinkRunner, WritesInOrderAndSaysWhatWasSaved) {
  Said said;
  std::vector<int64_t> written;
  auto sink = std::make_unique<ScriptedSink>();
  sink->on_write = [&](const pipeline::Frame& frame) { written.push_back(frame.index); };
  sink->what_was_saved = {"out/door.mp4"};
  SinkRunner runner(std::move(sink), 0, system_clock(), std::make_shared<Messages>(said.listener()));
  for (int64_t index = 0; index < 100; ++index) runner.write(event_of(index));
  runner.end(0, {});
  runner.finish();
  ASSERT_EQ(written.size(), 100U);
  for (int64_t index = 0; index < 100; ++index) EXPECT_EQ(written[static_cast<size_t>(index)], index);
  EXPECT_THAT(said.texts(), ElementsAre("saved out/door.mp4"));
  EXPECT_EQ(runner.snapshot().written, 100);
  EXPECT_EQ(runner.snapshot().name, "scripted");
  EXPECT_TRUE(runner.idle());
}

TEST(SinkRunner, OneThatIsOnlyLookedAtGetsTheNewestAndHoldsUpNobody) {
  ManualClock clock;
  std::vector<int64_t> written;
  auto sink = std::make_unique<ScriptedSink>();
  sink->slow = WhenSlow::kDropOldest;
  sink->on_write = [&](const pipeline::Frame& frame) {
    written.push_back(frame.index);
    sleep_until(clock, clock.now() + std::chrono::seconds(1));
  };
  bool ended = false;
  sink->on_end = [&] { ended = true; };
  SinkRunner runner(std::move(sink), 0, clock, std::make_shared<Messages>(nullptr));
  runner.write(event_of(0));
  clock.settle(1);
  for (int64_t index = 1; index <= 20; ++index) runner.write(event_of(index));
  runner.end(0, {});
  clock.run_for(std::chrono::minutes(1), 1);
  EXPECT_THAT(written, ElementsAre(0, 13, 14, 15, 16, 17, 18, 19, 20));
  EXPECT_TRUE(ended);
  EXPECT_EQ(runner.snapshot().written, 9);
  EXPECT_EQ(runner.snapshot().dropped, 12);
}

TEST(SinkRunner, AnExceptionIsItsEndAndSaidOnce) {
  for (const bool in_prepare : {false, true}) {
    Said said;
    int asked = 0;
    auto sink = std::make_unique<ScriptedSink>();
    const auto fail = [&] {
      ++asked;
      throw IoError("out/door.mp4: No space left on device");
    };
    if (in_prepare) {
      sink->on_prepare = fail;
    } else {
      sink->on_write = [&](const pipeline::Frame&) { fail(); };
    }
    sink->drawing = true;
    SinkRunner runner(std::move(sink), 0, system_clock(), std::make_shared<Messages>(said.listener()));
    EXPECT_TRUE(runner.wants_drawing());
    for (int64_t index = 0; index < 50; ++index) {
      pipeline::ProcessedFrame item{.frame = numbered_frame(index), .result = {}};
      runner.prepare(item);
      runner.write(event_of(index));
    }
    runner.finish();
    EXPECT_EQ(asked, 1);
    EXPECT_FALSE(runner.wants_drawing());
    EXPECT_THAT(said.texts(), ElementsAre("out/door.mp4: No space left on device; nothing more is written there, "
                                          "everything else goes on"));
    const SinkSnapshot state = runner.snapshot();
    EXPECT_FALSE(state.works);
    EXPECT_EQ(state.message, "out/door.mp4: No space left on device");
    EXPECT_EQ(state.written, 0);
    EXPECT_EQ(state.dropped, 50);
  }
}

TEST(SinkRunner, OneThatHangsIsLeftOutAndHoldsUpNobody) {
  for (const bool at_the_end : {false, true}) {
    Said said;
    const auto gate = std::make_shared<Gate>();
    auto sink = std::make_unique<ScriptedSink>();
    sink->limit = std::chrono::milliseconds(20);
    sink->on_write = [gate](const pipeline::Frame&) { gate->wait(); };
    {
      SinkRunner runner(std::move(sink), 0, system_clock(), std::make_shared<Messages>(said.listener()));
      for (int64_t index = 0; index < (at_the_end ? 1 : 20); ++index) runner.write(event_of(index));
      EXPECT_EQ(runner.snapshot().works, at_the_end);
      EXPECT_EQ(runner.idle(), !at_the_end);
      runner.finish();
      EXPECT_FALSE(runner.snapshot().works);
      EXPECT_EQ(runner.snapshot().dropped, at_the_end ? 1 : 20) << "the one that hangs, too";
      EXPECT_EQ(threads_left_behind(), 1);
    }
    EXPECT_THAT(said.texts(), ElementsAre(HasSubstr("scripted: hangs: nothing could be written for 0.")));
    gate->release();
    while (threads_left_behind() > 0) std::this_thread::yield();
  }
}

TEST(SinkRunner, OneThatHangsIsNotWaitedForOnceTheRunEnds) {
  ManualClock clock;
  Said said;
  const auto gate = std::make_shared<Gate>();
  auto sink = std::make_unique<ScriptedSink>();
  sink->on_write = [gate](const pipeline::Frame&) { gate->wait(); };
  {
    SinkRunner runner(std::move(sink), 0, clock, std::make_shared<Messages>(said.listener()));
    std::thread worker([&] {
      for (int64_t index = 0; index < 20; ++index) runner.write(event_of(index));
    });
    gate->wait_until_reached();
    clock.settle(1);
    clock.turn(std::chrono::seconds(30));
    clock.settle(1);
    EXPECT_TRUE(runner.snapshot().works) << "it may take a minute";
    runner.hurry();
    clock.settle(1);
    EXPECT_TRUE(runner.snapshot().works);
    clock.turn(SinkRunner::kStopGrace);
    worker.join();
    EXPECT_FALSE(runner.snapshot().works);
    EXPECT_EQ(runner.snapshot().dropped, 20);
  }
  EXPECT_THAT(said.texts(), ElementsAre(HasSubstr("scripted: hangs: nothing could be written for 31.5 s")));
  gate->release();
  while (threads_left_behind() > 0) std::this_thread::yield();
}

TEST(SinkRunner, CompletingAFileMidRunTakesNoLongerThanWriting) {
  ManualClock clock;
  Said said;
  const auto gate = std::make_shared<Gate>();
  auto sink = std::make_unique<ScriptedSink>();
  sink->on_end = [gate] { gate->wait(); };
  {
    SinkRunner runner(std::move(sink), 0, clock, std::make_shared<Messages>(said.listener()));
    runner.end(0, {});
    gate->wait_until_reached();
    std::thread worker([&] {
      for (int64_t index = 0; index < 20; ++index) runner.write(event_of(index));
    });
    clock.settle(1);
    clock.turn(std::chrono::minutes(1));
    worker.join();
    EXPECT_FALSE(runner.snapshot().works);
    EXPECT_EQ(runner.snapshot().dropped, 20);
  }
  EXPECT_THAT(said.texts(), ElementsAre(HasSubstr("nothing could be written for 60 s")));
  gate->release();
  while (threads_left_behind() > 0) std::this_thread::yield();
}

/// What two sinks of a run see of a picture's pixels: whether they were drawn on.
std::vector<char> drawn_for(const std::vector<std::pair<bool, bool>>& wishes) {
  std::vector<char> seen(wishes.size(), 0);  // each of its own byte: sinks have threads
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  for (size_t i = 0; i < wishes.size(); ++i) {
    auto sink = std::make_unique<ScriptedSink>();
    sink->drawing = wishes[i].first;
    sink->plain = wishes[i].second;
    sink->on_write = [&seen, i](const pipeline::Frame& frame) {
      seen[i] = cv::countNonZero(frame.image.reshape(1)) > 0 ? 1 : 0;
    };
    sinks.push_back(std::move(sink));
  }
  LiveOptions options;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) {
    return std::make_unique<FakeSource>([](int64_t) -> std::optional<pipeline::FrameResult> {
      pipeline::Frame frame = numbered_frame(0);
      frame.image = cv::Mat::zeros(200, 200, CV_8UC3);
      return frame;
    });
  };
  const auto model = slot_of([](const cv::Mat&) {
    pipeline::FoundObjects result;
    result.boxes = {{0, "cat", 0.9, {.x0 = 20, .y0 = 20, .x1 = 150, .y1 = 150}}};
    return result;
  });
  LiveStreams streams(model, std::move(sinks), options);
  StreamOptions stream = stream_named("a");
  stream.max_frames = 1;
  streams.add(stream);
  while (!streams.done()) std::this_thread::yield();
  streams.stop();
  return seen;
}

TEST(Sinks, GetPicturesDrawnOnAndPlainOnesSideBySide) {
  EXPECT_THAT(drawn_for({{false, false}, {false, true}}), ElementsAre(false, false));
  EXPECT_THAT(drawn_for({{true, false}, {false, true}}), ElementsAre(true, false));
  EXPECT_THAT(drawn_for({{true, false}, {false, false}})[0], true);
}

}  // namespace
}  // namespace zoo::streams
