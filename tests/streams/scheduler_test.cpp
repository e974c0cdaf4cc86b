#include "streams/scheduler.h"

#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/streams/live_run.h"
#include "tests/support/manual_clock.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

FramePolicy policy_of(const std::string& text) { return frame_policy_from(text); }

/// One thread that plays all of them.
class ByHand {
 public:
  explicit ByHand(int workers = 1) : scheduler(clock, {.workers = workers}) {}

  std::shared_ptr<Lane> add(const std::string& name, const std::string& policy = "latest") {
    return scheduler.add(stream_named(name, policy_of(policy)), {});
  }

  void put(Lane& lane, int64_t index) { EXPECT_TRUE(scheduler.put(lane, numbered_frame(index))); }

  /// The stream and index of the next frame to be worked on, which is then answered and delivered.
  std::optional<std::pair<size_t, int64_t>> work(Clock::Duration time = {}, const std::string& problem = {}) {
    std::optional<Job> job = scheduler.try_next();
    if (!job) return std::nullopt;
    auto& predict = std::get<PredictJob>(*job);
    const std::pair done(predict.lane->stream, predict.item.frame.index);
    clock.turn(time);
    pipeline::FrameEvent event = std::move(predict.item);
    if (!problem.empty()) event = numbered_failure(done.second);
    said = scheduler.answer(predict, std::move(event), problem, 1);
    job = scheduler.try_next();
    EXPECT_TRUE(job && std::holds_alternative<DeliverJob>(*job));
    const auto& event_told = *std::get<DeliverJob>(*job).event;
    if (const auto* item = std::get_if<pipeline::ProcessedFrame>(&event_told)) delivered = *item;
    scheduler.delivered(std::get<DeliverJob>(*job));
    return done;
  }

  ManualClock clock;
  Scheduler scheduler;
  std::string said;
  pipeline::ProcessedFrame delivered;  ///< the last
};

TEST(Scheduler, TakesTheNewestFrameAndCountsTheOthersAsReplaced) {
  ByHand run;
  const auto lane = run.add("door");
  for (const int64_t index : {0, 1, 2}) run.put(*lane, index);
  EXPECT_EQ(run.work(), std::pair(size_t{0}, int64_t{2}));
  EXPECT_EQ(run.work(), std::nullopt);
  EXPECT_EQ(lane->account.counts(), (StreamCounts{.captured = 3, .ok = 1, .dropped_for = {2, 0, 0, 0}}));
}

TEST(Scheduler, TakesOneOfEveryFew) {
  ByHand run;
  const auto lane = run.add("door", "every 3");
  std::vector<int64_t> worked_on;
  for (int64_t index = 0; index < 7; ++index) {
    run.put(*lane, index);
    if (const auto done = run.work()) worked_on.push_back(done->second);
  }
  EXPECT_THAT(worked_on, ElementsAre(0, 3, 6));
  EXPECT_EQ(lane->account.counts().dropped(DropReason::kNotChosen), 4);
}

TEST(Scheduler, LeavesOutWhatIsTooOldAndCountsWhatBecomesSoAsLate) {
  ByHand run;
  const auto lane = run.add("door", "max-age 100");
  run.put(*lane, 0);
  run.clock.turn(101ms);
  EXPECT_EQ(run.work(), std::nullopt);
  EXPECT_EQ(lane->account.counts(), (StreamCounts{.captured = 1, .dropped_for = {0, 1, 0, 0}}));
  run.put(*lane, 1);
  run.work(100ms);
  EXPECT_FALSE(run.delivered.late);
  run.put(*lane, 2);
  run.work(101ms);
  EXPECT_TRUE(run.delivered.late) << "and says so itself";
  EXPECT_EQ(run.delivered.age_ms, 101.0);
  EXPECT_EQ(lane->account.counts(), (StreamCounts{.captured = 3, .ok = 1, .late = 1, .dropped_for = {0, 1, 0, 0}}));
}

TEST(Scheduler, HasOneFrameOfALiveStreamAtWorkAndSeveralOfAFile) {
  ByHand run(2);
  const auto live = run.add("live");
  run.put(*live, 0);
  const std::optional<Job> first = run.scheduler.try_next();
  ASSERT_TRUE(first);
  run.put(*live, 1);
  EXPECT_FALSE(run.scheduler.try_next());
  const auto file = run.add("file", "block");
  for (const int64_t index : {0, 1, 2}) run.put(*file, index);
  std::vector<PredictJob> jobs;
  for (int i = 0; i < 3; ++i) jobs.push_back(std::get<PredictJob>(*run.scheduler.try_next()));
  // The last is answered first, and waits for those before it.
  run.scheduler.answer(jobs[2], std::move(jobs[2].item), "", 1);
  EXPECT_FALSE(run.scheduler.try_next());
  run.scheduler.answer(jobs[0], std::move(jobs[0].item), "", 1);
  const auto delivery = std::get<DeliverJob>(*run.scheduler.try_next());
  EXPECT_EQ(std::get<pipeline::ProcessedFrame>(*delivery.event).frame.index, 0);
  EXPECT_FALSE(run.scheduler.try_next()) << "one delivery of a stream at a time";
  run.scheduler.delivered(delivery);
  EXPECT_FALSE(run.scheduler.try_next()) << "frame 1 is still at work";
}

/// Stands still; who waits by it is woken by others only, never to look for himself.
class PatientClock final : public Clock {
 public:
  TimePoint now() const override { return TimePoint(1h); }
  WallTime wall_time() const override { return WallTime(1h); }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint /*deadline*/,
                  const std::function<bool()>& ready) override {
    if (!ready()) waits = true;
    changed.wait(lock, ready);
    return true;
  }

  std::atomic<bool> waits = false;
};

TEST(Scheduler, ASourceThatWaitsIsWokenByWhatIsDelivered) {
  PatientClock clock;
  Scheduler scheduler(clock, {.workers = 1});
  const auto file = scheduler.add(stream_named("file", policy_of("block")), {});
  int64_t index = 0;
  for (size_t i = 0; i < Mailbox::kWaitingFailures; ++i) EXPECT_TRUE(scheduler.put(*file, numbered_failure(index++)));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(scheduler.put(*file, numbered_frame(index++)));
  const auto slow = std::get<DeliverJob>(*scheduler.try_next());
  for (int i = 0; i < 2; ++i) {
    auto job = std::get<PredictJob>(*scheduler.try_next());
    scheduler.answer(job, std::move(job.item), "", 1);
  }
  auto put = std::async(std::launch::async, [&] { return scheduler.put(*file, numbered_frame(index)).has_value(); });
  while (!clock.waits) std::this_thread::yield();
  scheduler.delivered(slow);
  while (scheduler.total().in_flight > 1) scheduler.delivered(std::get<DeliverJob>(*scheduler.try_next()));
  const bool is_woken = put.wait_for(10s) == std::future_status::ready;
  scheduler.stop();
  EXPECT_TRUE(is_woken);
  EXPECT_TRUE(put.get());
}

TEST(Scheduler, ServesWhoWasServedLongestAgo) {
  ByHand run;
  std::vector<std::shared_ptr<Lane>> lanes;
  for (const std::string name : {"a", "b", "c"}) lanes.push_back(run.add(name));
  std::map<size_t, int> served;
  for (int64_t index = 0; index < 100; ++index) {
    for (size_t stream = 0; stream < lanes.size(); ++stream) {
      // However often frames come.
      for (size_t more = 0; more <= stream * 5; ++more)
        run.put(*lanes[stream], index * 100 + static_cast<int64_t>(more));
    }
    ++served[run.work()->first];
    const auto [fewest, most] = std::minmax({served[0], served[1], served[2]});
    ASSERT_LE(most - fewest, 1) << "after frame " << index;
  }
}

TEST(Scheduler, FailuresKeepTheirPlaceAmongTheFrames) {
  ByHand run;
  const auto lane = run.add("door");
  run.put(*lane, 0);
  auto job = std::get<PredictJob>(*run.scheduler.try_next());
  EXPECT_TRUE(run.scheduler.put(*lane, numbered_failure(1)));
  EXPECT_FALSE(run.scheduler.try_next());
  run.scheduler.answer(job, std::move(job.item), "", 1);
  for (const bool is_failure : {false, true}) {
    const auto delivery = std::get<DeliverJob>(*run.scheduler.try_next());
    EXPECT_EQ(std::holds_alternative<pipeline::FrameFailure>(*delivery.event), is_failure);
    run.scheduler.delivered(delivery);
  }
  EXPECT_EQ(lane->account.counts(), (StreamCounts{.captured = 2, .ok = 1, .failed = 1}));
}

TEST(Scheduler, ManyFailuresInARowOpenACircuitThatTriesOneASecond) {
  ByHand run;
  const auto lane = run.add("door");
  int64_t index = 0;
  for (int i = 0; i < Circuit::kFailuresInARow; ++i) {
    EXPECT_THAT(run.said, IsEmpty());
    run.put(*lane, index++);
    ASSERT_TRUE(run.work({}, "scores are not finite"));
  }
  EXPECT_THAT(run.said, HasSubstr("door: 30 frames in a row failed, the last so: scores are not finite"));
  EXPECT_TRUE(run.scheduler.snapshot().front().circuit_open);
  run.put(*lane, index++);
  EXPECT_EQ(run.work(), std::nullopt);
  run.clock.turn(Circuit::kTryEvery);
  ASSERT_TRUE(run.work({}, "still not"));
  EXPECT_THAT(run.said, IsEmpty());
  run.put(*lane, index++);
  run.clock.turn(Circuit::kTryEvery);
  ASSERT_TRUE(run.work());
  EXPECT_EQ(run.said, "door: frames succeed again");
  EXPECT_FALSE(run.scheduler.snapshot().front().circuit_open);
}

TEST(Scheduler, SaysOnceThatAStreamIsShedAndThatItRecovered) {
  ByHand run;
  const auto lane = run.add("door");
  run.scheduler.note_status(*lane, {.state = StreamState::kRunning, .message = {}}, {});
  int64_t index = 0;
  std::vector<std::string> said;
  const auto second = [&](int frames, int answers) {
    for (int i = 0; i < frames; ++i) {
      run.put(*lane, index++);
      if (i < answers) run.work();
    }
    run.work();
    run.clock.turn(1s);
    for (std::string& text : run.scheduler.watch()) said.push_back(std::move(text));
  };
  for (int i = 0; i < 10; ++i) second(10, 4);
  ASSERT_THAT(said,
              ElementsAre(HasSubstr("door: frames come faster than they are worked on: 10 of the last 20 frames")));
  EXPECT_TRUE(run.scheduler.snapshot().front().sheds);
  said.clear();
  for (int i = 0; i < 10; ++i) second(10, 10);
  EXPECT_THAT(said, ElementsAre("door: every frame is worked on again"));
}

TEST(Scheduler, SilentSourcesAreStalledUntilFramesComeAgain) {
  ByHand run;
  const auto lane = run.add("door");
  run.scheduler.note_status(*lane, {.state = StreamState::kRunning, .message = {}}, {});
  run.put(*lane, 0);
  run.clock.turn(10s);
  EXPECT_THAT(run.scheduler.watch(), IsEmpty());
  run.clock.turn(1ms);
  EXPECT_THAT(run.scheduler.watch(), ElementsAre("door: no frame for 10 s; it is waited for"));
  EXPECT_THAT(run.scheduler.watch(), IsEmpty());
  EXPECT_EQ(run.scheduler.snapshot().front().state, StreamState::kStalled);
  EXPECT_EQ(run.scheduler.snapshot().front().cause, pipeline::LossCause::kTimeout);
  EXPECT_EQ(run.scheduler.snapshot().front().quality, "unusable");
  EXPECT_EQ(run.scheduler.put(*lane, numbered_frame(1)), "door: is back after 10.0 s");
  EXPECT_EQ(run.scheduler.snapshot().front().state, StreamState::kRunning);
  EXPECT_EQ(run.scheduler.snapshot().front().cause, pipeline::LossCause::kNone);
  EXPECT_EQ(run.scheduler.snapshot().front().quality, "fair");
}

SourceStatus status_of(StreamState state, pipeline::LossCause cause = pipeline::LossCause::kNone,
                       std::string message = {}) {
  return {.state = state, .cause = cause, .message = std::move(message)};
}

TEST(Scheduler, WhatHangsWhileItIsOpenedIsStalledAndSaysWhatHelps) {
  ByHand run;
  StreamOptions options = stream_named("pipe");
  options.spec = {.kind = pipeline::SourceKind::kGStreamer, .text = "videotestsrc", .images = {}};
  options.open_timeout = 3s;
  const auto lane = run.scheduler.add(options, {});
  run.scheduler.note_status(*lane, status_of(StreamState::kOpening), {});
  run.clock.turn(3s);
  EXPECT_THAT(run.scheduler.watch(), IsEmpty());
  EXPECT_EQ(run.scheduler.snapshot().front().state, StreamState::kOpening);
  run.clock.turn(1ms);
  EXPECT_THAT(run.scheduler.watch(),
              ElementsAre(testing::AllOf(HasSubstr("pipe: no frame for 3 s; it is waited for"), HasSubstr("watchdog"),
                                         HasSubstr("end the stream and add it again"))));
  EXPECT_THAT(run.scheduler.watch(), IsEmpty());
  const StreamSnapshot stalled = run.scheduler.snapshot().front();
  EXPECT_EQ(stalled.state, StreamState::kStalled);
  EXPECT_EQ(stalled.cause, pipeline::LossCause::kTimeout);
  EXPECT_THAT(stalled.message, HasSubstr("no frame for 3 s"));
  EXPECT_EQ(stalled.quality, "unusable");
  EXPECT_EQ(run.scheduler.note_status(*lane, status_of(StreamState::kRunning), {}), "pipe: is back after 3.0 s");
  EXPECT_EQ(run.scheduler.snapshot().front().state, StreamState::kRunning);
  EXPECT_EQ(run.scheduler.snapshot().front().message, "");
}

TEST(Scheduler, AHangingPipelineThatEndsIsLostAndNotBack) {
  ByHand run;
  StreamOptions options = stream_named("pipe");
  options.spec = {.kind = pipeline::SourceKind::kGStreamer, .text = "tcpclientsrc", .images = {}};
  const auto lane = run.scheduler.add(options, {});
  run.scheduler.note_status(*lane, status_of(StreamState::kRunning), {});
  run.put(*lane, 0);
  run.clock.turn(10001ms);
  // A watchdog ends the opening of a pipeline only.
  EXPECT_THAT(run.scheduler.watch(),
              ElementsAre(testing::AllOf(HasSubstr("tcpclientsrc timeout"), testing::Not(HasSubstr("watchdog")))));
  pipeline::FrameFailure lost = numbered_failure(1);
  lost.kind = pipeline::FailureKind::kLost;
  EXPECT_EQ(run.scheduler.put(*lane, lost), "");
  EXPECT_EQ(run.scheduler.snapshot().front().state, StreamState::kStalled);
  EXPECT_EQ(run.scheduler.note_status(*lane, status_of(StreamState::kOpening, pipeline::LossCause::kEnded, "gone"), {}),
            "pipe: gone (ended); it is opened again until it is back");
}

TEST(Scheduler, SaysEachCauseOfAnOutageOnceAndHowLongNoFrameCame) {
  using pipeline::LossCause;
  ByHand run;
  const auto lane = run.add("door");
  const auto tell = [&](StreamState state, LossCause cause = LossCause::kNone, const std::string& message = {}) {
    return run.scheduler.note_status(*lane, status_of(state, cause, message), {});
  };
  for (int outage = 0; outage < 2; ++outage) {
    tell(StreamState::kRunning);
    run.put(*lane, 0);
    run.clock.turn(3s);
    EXPECT_EQ(tell(StreamState::kOpening, LossCause::kTimeout, "no frame"),
              "door: no frame (timeout); it is opened again until it is back");
    EXPECT_EQ(tell(StreamState::kWaiting, LossCause::kRefused, "nobody"), "door: is still lost: nobody (refused)");
    EXPECT_EQ(tell(StreamState::kOpening, LossCause::kRefused, "nobody"), "");
    EXPECT_EQ(tell(StreamState::kWaiting, LossCause::kAuthentication, "secret"),
              "door: is still lost: secret (authentication)");
    EXPECT_EQ(tell(StreamState::kWaiting, LossCause::kRefused, "nobody"), "");
    EXPECT_EQ(tell(StreamState::kRunning), "door: is back after 3.0 s");
  }
}

TEST(Scheduler, NamesAreOfOneStreamUntilItIsRemoved) {
  ByHand run;
  const auto lane = run.add("door");
  EXPECT_THROW(run.add("door"), Error);
  run.put(*lane, 0);
  EXPECT_EQ(run.scheduler.remove("door"), lane);
  EXPECT_EQ(run.scheduler.remove("door"), nullptr);
  EXPECT_EQ(run.add("door")->stream, 1U);
  EXPECT_FALSE(run.scheduler.put(*lane, numbered_frame(1)));
  EXPECT_EQ(run.scheduler.total(), (StreamCounts{.captured = 1, .dropped_for = {0, 0, 0, 1}}));
}

/// Random captures, answers, removals and ends, by one thread in random order.
class RandomRun {
 public:
  explicit RandomRun(unsigned seed) : random_(seed) {
    for (int i = 0; i < 4; ++i) add();
  }

  void step() {
    switch (number_below(12)) {
      case 0:
        if (number_below(20) == 0) add();
        break;
      case 1:
        if (lanes_.size() > 2 && number_below(40) == 0) remove();
        break;
      case 2:
        run_.clock.turn(std::chrono::milliseconds(number_below(120)));
        break;
      case 3:
      case 4:
      case 5:
      case 6:
        put();
        break;
      case 7:
      case 8:
        if (auto job = run_.scheduler.try_next()) at_work_.push_back(std::move(*job));
        break;
      default:
        if (!at_work_.empty()) finish(number_below(at_work_.size()));
    }
    check();
  }

  void end() {
    run_.scheduler.stop();
    for (const auto& lane : all_) run_.scheduler.leave_source(*lane);
    while (!at_work_.empty()) finish(0);
    while (std::optional<Job> job = run_.scheduler.next()) {
      at_work_.push_back(std::move(*job));
      finish(0);
    }
    check();
    const StreamCounts total = run_.scheduler.total();
    EXPECT_EQ(total.in_flight, 0);
    EXPECT_EQ(total.captured, captured_);
    EXPECT_EQ(total.ok + total.late, answered_);
    EXPECT_EQ(total.failed, failed_);
    EXPECT_EQ(ended_.size(), all_.size());
  }

 private:
  size_t number_below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  void add() {
    const std::vector<std::string> policies = {"latest", "block", "every 3", "max-age 150"};
    lanes_.push_back(run_.add("s" + std::to_string(all_.size()), policies[number_below(policies.size())]));
    all_.push_back(lanes_.back());
  }

  void remove() {
    const size_t which = number_below(lanes_.size());
    EXPECT_TRUE(run_.scheduler.remove(lanes_[which]->options.name));
    if (number_below(2) == 0) run_.scheduler.leave_source(*lanes_[which]);
    lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void put() {
    Lane& lane = *lanes_[number_below(lanes_.size())];
    if (!lane.mailbox.has_room()) return;  // it would wait
    const int64_t index = captured_of_[lane.stream]++;
    pipeline::FrameResult captured = numbered_frame(index);
    if (number_below(10) == 0) captured = numbered_failure(index);
    EXPECT_TRUE(run_.scheduler.put(lane, std::move(captured)));
    ++captured_;
  }

  void finish(size_t which) {
    Job job = std::move(at_work_[which]);
    at_work_.erase(at_work_.begin() + static_cast<std::ptrdiff_t>(which));
    if (auto* predict = std::get_if<PredictJob>(&job)) {
      if (number_below(8) == 0) {
        run_.scheduler.answer(*predict, numbered_failure(predict->item.frame.index), "random", 1);
      } else {
        run_.scheduler.answer(*predict, std::move(predict->item), "", 1);
      }
      return;
    }
    auto& delivery = std::get<DeliverJob>(job);
    if (delivery.event) note(delivery.lane->stream, *delivery.event);
    if (!delivery.event) {
      EXPECT_TRUE(ended_.insert(delivery.lane->stream).second) << "ends twice";
    }
    run_.scheduler.delivered(delivery);
  }

  void note(size_t stream, const pipeline::FrameEvent& event) {
    EXPECT_FALSE(ended_.contains(stream)) << "something after the end";
    const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
    const int64_t index = item != nullptr ? item->frame.index : std::get<pipeline::FrameFailure>(event).index;
    const auto [last, is_first] = last_.emplace(stream, index);
    if (!is_first) {
      EXPECT_LT(last->second, index) << "twice, or out of order";
      last->second = index;
    }
    ++(item != nullptr ? answered_ : failed_);
  }

  void check() {
    const StreamCounts total = run_.scheduler.total();
    ASSERT_TRUE(total.adds_up());
    ASSERT_GE(total.in_flight, 0);
    ASSERT_EQ(total.captured, captured_);
    for (const StreamSnapshot& stream : run_.scheduler.snapshot()) {
      ASSERT_TRUE(stream.counts.adds_up()) << stream.name;
      ASSERT_GE(stream.counts.in_flight, 0) << stream.name;
    }
  }

  std::mt19937 random_;
  ByHand run_{3};
  std::vector<std::shared_ptr<Lane>> lanes_;  ///< not removed
  std::vector<std::shared_ptr<Lane>> all_;
  std::vector<Job> at_work_;
  std::map<size_t, int64_t> captured_of_;
  std::map<size_t, int64_t> last_;
  std::set<size_t> ended_;
  int64_t captured_ = 0;
  int64_t answered_ = 0;
  int64_t failed_ = 0;
};

TEST(Scheduler, AddsUpAndKeepsTheOrderWhateverHappens) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomRun run(seed);
    for (int step = 0; step < 1500; ++step) run.step();
    run.end();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace zoo::streams
