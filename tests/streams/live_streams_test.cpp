#include "streams/live_streams.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "tests/streams/live_run.h"
#include "tests/support/manual_clock.h"

namespace zoo::streams {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using Interval = Clock::Duration;

/// Threads of a run that wait by the clock: workers, one sink, the watch, cameras.
size_t threads_of(int workers, size_t cameras) { return static_cast<size_t>(workers) + 1 + 1 + cameras; }

/// A run whose streams are cameras of these intervals, named c0, c1, ...
class Cameras {
 public:
  Cameras(std::shared_ptr<ModelSlot> model, ManualClock& clock, const std::vector<Interval>& intervals, int workers = 1,
          FramePolicy policy = {})
      : clock_(clock), threads_(threads_of(workers, intervals.size())) {
    LiveOptions options;
    options.workers = workers;
    options.clock = &clock;
    options.on_message = said.listener();
    options.open = [&clock, intervals](const StreamOptions& stream, const pipeline::ReadOptions& read) {
      return camera(clock, intervals.at(std::stoul(stream.name.substr(1))), read.stop);
    };
    streams = std::make_unique<LiveStreams>(std::move(model), recording_into(records), options);
    for (size_t i = 0; i < intervals.size(); ++i) streams->add(stream_named("c" + std::to_string(i), policy));
  }

  ~Cameras() { clock_.let_go(); }
  Cameras(const Cameras&) = delete;
  Cameras& operator=(const Cameras&) = delete;

  void run_for(Interval time) { clock_.run_for(time, threads_); }

  std::shared_ptr<Records> records = std::make_shared<Records>();
  Said said;
  std::unique_ptr<LiveStreams> streams;

 private:
  ManualClock& clock_;
  size_t threads_;
};

class CameraOfRate : public testing::TestWithParam<int> {};

TEST_P(CameraOfRate, IsAnsweredWithinAModelTimeAndAFrame) {
  ManualClock clock;
  const Interval frame = Interval(1s) / GetParam();
  constexpr Interval kModel = 200ms;
  Cameras run(slow_slot(clock, kModel), clock, {frame});
  run.run_for(20s);
  const auto answers = run.records->answers_of(0);
  EXPECT_GE(answers.size(), 20s / std::max(frame, kModel) - 3);
  const double limit_ms = std::chrono::duration<double, std::milli>(kModel + frame).count();
  for (const auto& answer : answers) EXPECT_LE(answer.age_ms, limit_ms);
  const StreamSnapshot stream = run.streams->snapshot().front();
  EXPECT_LE(stream.ages.p99_ms, limit_ms);
  EXPECT_NEAR(stream.captured_fps, GetParam(), 0.15 * GetParam());
  EXPECT_NEAR(stream.answered_fps, std::min(GetParam(), 5), 0.5);
  EXPECT_TRUE(stream.counts.adds_up());
}

INSTANTIATE_TEST_SUITE_P(FramesPerSecond, CameraOfRate, testing::Values(1, 2, 5, 6, 25, 30, 60, 120));

TEST(LiveStreams, ServesAllAlikeAtTwofoldOverload) {
  ManualClock clock;
  // 2 workers answer 10 frames a second; 4 cameras of different rates yield at least 20.
  Cameras run(slow_slot(clock, 200ms), clock, {200ms, 150ms, 100ms, 33ms}, 2);
  for (int second = 0; second < 20; ++second) {
    run.run_for(1s);
    size_t fewest = SIZE_MAX;
    size_t most = 0;
    for (size_t stream = 0; stream < 4; ++stream) {
      fewest = std::min(fewest, run.records->answers_of(stream).size());
      most = std::max(most, run.records->answers_of(stream).size());
    }
    EXPECT_LE(most - fewest, 1U) << "after " << second + 1 << " s";
  }
  EXPECT_THAT(run.said.texts(), Contains(HasSubstr("c3: frames come faster than they are worked on")));
  const StreamCounts total = run.streams->total();
  EXPECT_NEAR(static_cast<double>(total.ok), 200.0, 4.0);
}

TEST(LiveStreams, SlowCamerasAreNotShed) {
  ManualClock clock;
  Cameras run(slow_slot(clock, 30ms), clock, {100ms, 250ms}, 1);
  run.run_for(20s);
  EXPECT_THAT(run.said.texts(), IsEmpty());
  const StreamCounts total = run.streams->total();
  EXPECT_EQ(total.dropped(), 0);
  EXPECT_NEAR(static_cast<double>(total.ok), 280.0, 2.0);
}

TEST(LiveStreams, FilesGoThroughWholeAndInOrderBesideCameras) {
  ManualClock clock;
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.workers = 3;
  options.clock = &clock;
  options.open = [&](const StreamOptions& stream,
                     const pipeline::ReadOptions& read) -> std::unique_ptr<pipeline::FrameSource> {
    if (stream.name == "camera") return camera(clock, 10ms, read.stop);
    return std::make_unique<FakeSource>(
        [](int64_t index) -> std::optional<pipeline::FrameResult> {
          if (index == 300) return std::nullopt;
          if (index % 50 == 7) return numbered_failure(index);
          return numbered_frame(index);
        },
        false);
  };
  LiveStreams streams(slow_slot(clock, 20ms), recording_into(records), options);
  streams.add(stream_named("camera"));
  streams.add(stream_named("file", frame_policy_from("block")));
  const auto ended = [&] {
    const std::scoped_lock lock(records->mutex);
    return records->ended.contains(1);
  };
  while (!ended()) clock.turn(5ms);
  const auto answers = records->answers_of(1);
  ASSERT_THAT(answers, SizeIs(294));
  for (size_t i = 1; i < answers.size(); ++i) ASSERT_LT(answers[i - 1].index, answers[i].index);
  EXPECT_EQ(records->failures[1].size(), 6U);
  EXPECT_TRUE(records->ended[1].whole);
  EXPECT_EQ(records->ended[1].ok, 294);
  EXPECT_FALSE(streams.done());
  clock.let_go();
  streams.stop();
  EXPECT_TRUE(streams.done());
  EXPECT_FALSE(records->ended[0].whole);
  EXPECT_THAT(records->begun, testing::UnorderedElementsAre(0, 1));
  EXPECT_EQ(records->finished, 1);
}

TEST(LiveStreams, EndsWhenEverythingHasEndedAndIsWritten) {
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.workers = 2;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) {
    return std::make_unique<FakeSource>(
        [](int64_t index) -> std::optional<pipeline::FrameResult> {
          if (index == 20) return std::nullopt;
          return numbered_frame(index);
        },
        false);
  };
  LiveStreams streams(slot_of(number_of), recording_into(records), options);
  EXPECT_TRUE(streams.done());
  for (const std::string name : {"a", "b", "c"}) streams.add(stream_named(name, frame_policy_from("block")));
  while (!streams.done()) std::this_thread::yield();
  EXPECT_EQ(streams.total(), (StreamCounts{.captured = 60, .ok = 60}));
  for (const StreamSnapshot& stream : streams.snapshot()) {
    EXPECT_EQ(stream.state, StreamState::kEnded);
    EXPECT_EQ(stream.last_answer, "n 1.00");
    EXPECT_EQ(stream.width, 1);
  }
  EXPECT_THAT(records->ended, SizeIs(3));
}

TEST(LiveStreams, StopsAfterSoManyFrames) {
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) {
    return std::make_unique<FakeSource>([](int64_t index) { return numbered_frame(index); });
  };
  LiveStreams streams(slot_of(number_of), recording_into(records), options);
  StreamOptions stream = stream_named("a");
  stream.max_frames = 50;
  streams.add(stream);
  while (!streams.done()) std::this_thread::yield();
  EXPECT_EQ(streams.total().ok, 50);
  EXPECT_FALSE(records->ended[0].whole);
}

TEST(LiveStreams, RemovedStreamsStayInTheSum) {
  ManualClock clock;
  Cameras run(slow_slot(clock, 10ms), clock, {20ms, 20ms});
  run.run_for(1s);
  const int64_t before = run.streams->snapshot()[0].counts.captured;
  EXPECT_GE(before, 48);
  EXPECT_TRUE(run.streams->remove("c0"));
  EXPECT_FALSE(run.streams->remove("c0"));
  ASSERT_THAT(run.streams->snapshot(), SizeIs(1));
  EXPECT_EQ(run.streams->snapshot().front().name, "c1");
  EXPECT_GE(run.streams->total().captured, 2 * before);
  EXPECT_TRUE(run.streams->total().adds_up());
  EXPECT_EQ(run.streams->add(stream_named("c0")), 2U);
}

TEST(LiveStreams, EachFrameIsAnsweredByTheModelOfItsMoment) {
  ManualClock clock;
  const auto slot = slow_slot(clock, 10ms);
  Cameras run(slot, clock, {20ms});
  run.run_for(500ms);
  ServedModel next = *slot->current();
  next.version = 2;
  slot->publish(std::make_shared<const ServedModel>(next));
  run.run_for(500ms);
  const auto answers = run.records->answers_of(0);
  EXPECT_EQ(answers.front().model_version, 1);
  EXPECT_EQ(answers.back().model_version, 2);
}

TEST(LiveStreams, OneFrameThatFailsIsThatFramesOnly) {
  ManualClock clock;
  const auto slot = slot_of([](const cv::Mat& image) -> pipeline::TaskResult {
    const int index = image.at<int>(0, 0);
    if (index % 10 == 3) throw EngineError("scores are not finite");
    if (index % 10 == 6) throw std::runtime_error("from elsewhere");
    return number_of(image);
  });
  Cameras run(slot, clock, {20ms});
  run.run_for(1s);
  EXPECT_THAT(run.said.texts(), IsEmpty());
  EXPECT_EQ(run.streams->total().failed, 10);
  const std::scoped_lock lock(run.records->mutex);
  const auto& failures = run.records->failures[0];
  EXPECT_EQ(failures.at(0).message, "fake: scores are not finite");
  EXPECT_EQ(failures.at(0).index, 3);
  EXPECT_EQ(failures.at(1).message, "fake: from elsewhere");
}

TEST(LiveStreams, SaysOnceThatNothingSucceedsUntilAnotherModelDoes) {
  ManualClock clock;
  const auto slot = slot_of([](const cv::Mat&) -> pipeline::TaskResult { throw EngineError("not finite"); });
  Cameras run(slot, clock, {20ms, 20ms});
  run.run_for(5s);
  EXPECT_THAT(run.said.texts(), AllOf(SizeIs(4), Contains(StartsWith("c0: 30 frames in a row failed")),
                                      Contains(StartsWith("c1: 30 frames in a row failed")),
                                      Contains(StartsWith("c0: frames come faster"))));
  EXPECT_TRUE(run.streams->snapshot().front().circuit_open);
  // 30 each, and from then on one a second.
  EXPECT_NEAR(static_cast<double>(run.streams->total().failed), 2 * (30 + 4), 2);
  slot->publish(std::make_shared<const ServedModel>(
      ServedModel{2, "good", nullptr, [](const cv::Mat& image, int) { return number_of(image); }}));
  run.run_for(2s);
  EXPECT_FALSE(run.streams->snapshot().front().circuit_open);
  EXPECT_THAT(run.said.texts(), Contains("c0: frames succeed again"));
}

TEST(LiveStreams, FiltersSeeAnswersInOrderBeforeTheSinks) {
  const auto records = std::make_shared<Records>();
  std::vector<int64_t> seen;
  LiveOptions options;
  options.workers = 3;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) {
    return std::make_unique<FakeSource>(
        [](int64_t index) -> std::optional<pipeline::FrameResult> {
          if (index == 100) return std::nullopt;
          return numbered_frame(index);
        },
        false);
  };
  options.make_filter = [&] {
    return [&](pipeline::ProcessedFrame& item) {
      seen.push_back(item.frame.index);
      item.model_version = 70 + item.frame.index;
    };
  };
  LiveStreams streams(slot_of(number_of), recording_into(records), options);
  streams.add(stream_named("a", frame_policy_from("block")));
  while (!streams.done()) std::this_thread::yield();
  ASSERT_THAT(seen, SizeIs(100));
  for (int64_t i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  EXPECT_EQ(records->answers_of(0).back().model_version, 169);
}

TEST(LiveStreams, WhatFiltersThrowIsTheFramesFailure) {
  ManualClock clock;
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.clock = &clock;
  options.open = [&](const StreamOptions&, const pipeline::ReadOptions& read) {
    return camera(clock, 20ms, read.stop);
  };
  options.make_filter = [] {
    return [](pipeline::ProcessedFrame& item) {
      if (item.frame.index == 2) throw Error("no label");
    };
  };
  LiveStreams streams(slot_of(number_of), recording_into(records), options);
  streams.add(stream_named("a"));
  clock.run_for(110ms, threads_of(1, 1));
  EXPECT_EQ(streams.total(), (StreamCounts{.captured = 5, .ok = 4, .failed = 1}));
  ASSERT_THAT(records->failures[0], SizeIs(1));
  EXPECT_EQ(records->failures[0].front().message, "fake: no label");
  clock.let_go();
}

TEST(LiveStreams, SinksHearNothingOfTheBeginAndEndOfWhatCannotBeOpened) {
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) -> std::unique_ptr<pipeline::FrameSource> {
    throw IoError("fake: connection refused");
  };
  LiveStreams streams(slot_of(number_of), recording_into(records), options);
  StreamOptions stream = stream_named("a");
  stream.reconnects = false;
  streams.add(stream);
  while (!streams.done()) std::this_thread::yield();
  EXPECT_EQ(streams.total(), (StreamCounts{.captured = 1, .failed = 1}));
  EXPECT_EQ(streams.snapshot().front().state, StreamState::kFailed);
  EXPECT_EQ(streams.snapshot().front().message, "fake: connection refused");
  EXPECT_THAT(records->begun, IsEmpty());
  EXPECT_THAT(records->ended, IsEmpty());
  EXPECT_THAT(records->failures[0], SizeIs(1));
}

/// Names of this process's threads that are a run's.
std::vector<std::string> threads_of_runs() {
  std::vector<std::string> names;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name.starts_with("zoo-")) names.push_back(name);
  }
  return names;
}

TEST(LiveStreams, SixteenCamerasOnEightCoresTakeFewThreads) {
  ManualClock clock;
  const auto records = std::make_shared<Records>();
  auto sinks = recording_into(records);
  sinks.push_back(std::make_unique<RecordingSink>(std::make_shared<Records>()));
  LiveOptions options;
  options.workers = 8;
  options.clock = &clock;
  options.open = [&](const StreamOptions&, const pipeline::ReadOptions& read) {
    return camera(clock, 40ms, read.stop);
  };
  LiveStreams streams(slow_slot(clock, 20ms), std::move(sinks), options);
  for (int i = 0; i < 16; ++i) streams.add(stream_named("c" + std::to_string(i)));
  clock.run_for(200ms, 16 + 8 + 2 + 1);
  const std::vector<std::string> names = threads_of_runs();
  EXPECT_THAT(names, SizeIs(16 + 8 + 2 + 1));
  for (const std::string name : {"zoo-capture15", "zoo-worker7", "zoo-sink1", "zoo-watch"}) {
    EXPECT_THAT(names, Contains(name));
  }
  size_t all = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++all;
  EXPECT_LE(all, 40U);
  clock.let_go();
  streams.stop();
  EXPECT_THAT(threads_of_runs(), IsEmpty());
}

TEST(LiveStreams, OptionsOutOfRangeAreErrors) {
  LiveOptions options;
  options.workers = 0;
  EXPECT_THROW(LiveStreams(slot_of(number_of), {}, options), Error);
  options.workers = 1;
  options.frame_threads = 0;
  EXPECT_THROW(LiveStreams(slot_of(number_of), {}, options), Error);
  options.frame_threads = 1;
  LiveStreams streams(slot_of(number_of), {}, options);
  EXPECT_THROW(streams.add(stream_named("")), Error);
  StreamOptions stream = stream_named("a");
  stream.stall_timeout = 0ms;
  EXPECT_THROW(streams.add(stream), Error);
  streams.stop();
  EXPECT_THROW(streams.add(stream_named("a")), Error);
}

TEST(LiveStreams, HasAsManyStreamsAsItMay) {
  LiveOptions options;
  options.max_streams = 2;
  options.open = [](const StreamOptions&, const pipeline::ReadOptions&) {
    return std::make_unique<FakeSource>([](int64_t) { return std::nullopt; });
  };
  LiveStreams streams(slot_of(number_of), {}, options);
  streams.add(stream_named("a"));
  streams.add(stream_named("b"));
  EXPECT_THAT(
      [&] { streams.add(stream_named("c")); },
      ::testing::ThrowsMessage<TooManyStreams>(
          "stream \"c\": there are 2 streams already, which is as many as this run may have; remove one that is "
          "not needed, or begin with a greater limit (--max-streams)"));
  streams.remove("a");
  EXPECT_NO_THROW(streams.add(stream_named("c")));
}

}  // namespace
}  // namespace zoo::streams
