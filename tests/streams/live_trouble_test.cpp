// Many frames over many streams that stall, die, come back and change their size, in a time that runs fast.
//
// ZOO_LIVE_FRAMES: how many frames; a few by default.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "streams/live_streams.h"
#include "tests/streams/gate.h"
#include "tests/streams/live_run.h"

namespace zoo::streams {
namespace {

using namespace std::chrono_literals;

/// A second in it is a millisecond of the machine's.
class FastClock final : public Clock {
 public:
  TimePoint now() const override {
    const std::scoped_lock lock(mutex_);
    return shown_ + faster_ * (std::chrono::steady_clock::now() - since_);
  }
  WallTime wall_time() const override { return std::chrono::system_clock::now(); }
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint deadline,
                  const std::function<bool()>& ready) override {
    if (deadline == TimePoint::max()) return system_clock().wait_until(lock, changed, deadline, ready);
    return system_clock().wait_until(lock, changed, real(deadline), ready);
  }

  /// From now on it goes as the others do: what is given a second has one, however busy the machine is.
  void slow_down() {
    const std::scoped_lock lock(mutex_);
    const TimePoint real_now = std::chrono::steady_clock::now();
    shown_ += faster_ * (real_now - since_);
    since_ = real_now;
    faster_ = 1;
  }

 private:
  TimePoint real(TimePoint shown) const {
    const std::scoped_lock lock(mutex_);
    return since_ + (shown - shown_) / faster_;
  }

  mutable std::mutex mutex_;  ///< guards everything below
  int faster_ = 1000;
  TimePoint since_ = std::chrono::steady_clock::now();
  TimePoint shown_ = since_;
};

/// A hundred frames a second, with trouble on the way.
class TroubledSource : public pipeline::FrameSource {
 public:
  TroubledSource(Clock& clock, const std::atomic<bool>* stop, unsigned seed)
      : clock_(clock), stop_(stop), random_(seed) {
    info_.name = "fake";
    info_.live = true;
  }

  std::optional<pipeline::FrameResult> next() override {
    if (*stop_) return std::nullopt;
    const int64_t index = index_++;
    sleep_until(clock_, clock_.now() + 10ms, stop_);
    switch (random_() % 4000) {
      case 0:
        sleep_until(clock_, clock_.now() + std::chrono::milliseconds(random_() % 15'000), stop_);
        break;
      case 1:
        throw IoError("fake: connection reset");
      case 2: {
        pipeline::FrameFailure lost = numbered_failure(index);
        lost.kind = pipeline::FailureKind::kLost;
        lost.cause = pipeline::LossCause::kEnded;
        return lost;
      }
      case 3:
      case 4:
        return numbered_failure(index);
      case 5:
        size_ = 1 + static_cast<int>(random_() % 64);
        break;
      default:
        break;
    }
    pipeline::Frame frame = numbered_frame(index);
    if (size_ > 1) frame.image = cv::Mat(size_, size_, CV_32SC1, cv::Scalar(static_cast<double>(index)));
    return frame;
  }

  const pipeline::SourceInfo& info() const override { return info_; }

 private:
  Clock& clock_;
  const std::atomic<bool>* stop_;
  std::minstd_rand random_;
  pipeline::SourceInfo info_;
  int64_t index_ = 0;
  int size_ = 1;
};

/// Of each stream: that everything came once and in order.
class Bookkeeper : public pipeline::ResultSink {
 public:
  struct Books {
    std::mutex mutex;
    std::map<size_t, int64_t> last;
    int64_t answers = 0;
    int64_t failures = 0;
    int64_t disorder = 0;
  };

  explicit Bookkeeper(std::shared_ptr<Books> books) : books_(std::move(books)) {}

  void write(const pipeline::FrameEvent& event) override {
    const std::scoped_lock lock(books_->mutex);
    const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
    ++(item != nullptr ? books_->answers : books_->failures);
    const auto note = [&](size_t stream, int64_t index) {
      const auto [last, is_first] = books_->last.emplace(stream, index);
      if (is_first) return;
      if (index <= last->second) ++books_->disorder;
      last->second = index;
    };
    if (item != nullptr) {
      note(item->frame.stream, item->frame.index);
    } else {
      const auto& failure = std::get<pipeline::FrameFailure>(event);
      note(failure.stream, failure.index);
    }
  }

 private:
  const std::shared_ptr<Books> books_;
};

int64_t frames_wanted() {
  const char* text = std::getenv("ZOO_LIVE_FRAMES");
  return text == nullptr ? 40'000 : std::stoll(text);
}

TEST(LiveSoak, EveryFrameIsAccountedForAtEveryMoment) {
  FastClock clock;
  const auto books = std::make_shared<Bookkeeper::Books>();
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  sinks.push_back(std::make_unique<Bookkeeper>(books));
  std::atomic<unsigned> seed = 1;
  std::atomic<int> opened = 0;
  LiveOptions options;
  options.workers = 3;
  options.clock = &clock;
  options.open = [&](const StreamOptions&,
                     const pipeline::ReadOptions& read) -> std::unique_ptr<pipeline::FrameSource> {
    ++opened;
    const unsigned mine = seed++;
    if (mine % 7 == 3) throw IoError("fake: connection refused");
    return std::make_unique<TroubledSource>(clock, read.stop, mine);
  };
  const auto model = slot_of([](const cv::Mat& image) -> pipeline::TaskResult {
    if (image.at<int>(0, 0) % 997 == 996) throw EngineError("scores are not finite");
    return number_of(image);
  });
  LiveStreams streams(model, std::move(sinks), options);
  const std::vector<std::string> policies = {"latest", "every 3", "max-age 400", "block"};
  const auto add = [&](int number) {
    streams.add(stream_named("s" + std::to_string(number),
                             frame_policy_from(policies[static_cast<size_t>(number) % policies.size()])));
  };
  for (int i = 0; i < 8; ++i) add(i);

  const int64_t wanted = frames_wanted();
  int64_t scrapes = 0;
  int64_t wrong = 0;
  int next = 8;
  StreamCounts before;
  while (before.captured < wanted) {
    const StreamCounts total = streams.total();
    if (!total.adds_up() || total.captured < before.captured || total.ok < before.ok || total.in_flight < 0) ++wrong;
    for (const StreamSnapshot& stream : streams.snapshot()) {
      if (!stream.counts.adds_up() || stream.counts.in_flight < 0) ++wrong;
    }
    before = total;
    if (++scrapes % 200 == 0) {  // one leaves, another comes
      EXPECT_TRUE(streams.remove("s" + std::to_string(next - 8)));
      add(next++);
    }
    std::this_thread::yield();
  }
  clock.slow_down();
  streams.stop();

  const StreamCounts total = streams.total();
  EXPECT_EQ(wrong, 0) << "of " << scrapes;
  EXPECT_TRUE(total.adds_up());
  EXPECT_EQ(total.in_flight, 0);
  EXPECT_EQ(total.ok + total.late, books->answers);
  EXPECT_EQ(total.failed, books->failures);
  EXPECT_EQ(books->disorder, 0);
  RecordProperty("captured", std::to_string(total.captured));
  RecordProperty("scrapes", std::to_string(scrapes));
  RecordProperty("opened", std::to_string(opened));
  RecordProperty("streams", std::to_string(next));
}

/// Hangs in opening, in reading, or in being closed.
enum class Hangs { kInOpening, kInReading, kInClosing };

class HangingSource : public testing::TestWithParam<Hangs> {};

TEST_P(HangingSource, IsLeftBehindAtTheEnd) {
  const auto gate = std::make_shared<Gate>();
  const auto at_gate = [gate](Hangs where) {
    if (GetParam() == where) gate->wait();
  };
  class Source : public FakeSource {
   public:
    Source(Next next, std::function<void()> on_close) : FakeSource(std::move(next)), on_close_(std::move(on_close)) {}
    ~Source() override { on_close_(); }

   private:
    std::function<void()> on_close_;
  };
  const auto records = std::make_shared<Records>();
  LiveOptions options;
  options.open = [=](const StreamOptions& stream,
                     const pipeline::ReadOptions& read) -> std::unique_ptr<pipeline::FrameSource> {
    if (stream.name == "good") return camera(system_clock(), 1ms, read.stop);
    at_gate(Hangs::kInOpening);
    return std::make_unique<Source>(
        [=](int64_t index) -> std::optional<pipeline::FrameResult> {
          if (index == 3) at_gate(Hangs::kInReading);
          if (index == 3) return std::nullopt;
          return numbered_frame(index);
        },
        [=] { at_gate(Hangs::kInClosing); });
  };
  const auto begin = [] { return std::chrono::steady_clock::now(); };
  std::chrono::steady_clock::time_point stopped;
  {
    LiveStreams streams(slot_of(number_of), recording_into(records), options);
    streams.add(stream_named("bad"));
    streams.add(stream_named("good"));
    gate->wait_until_reached();
    while (records->answers_of(1).size() < 5) std::this_thread::yield();
    stopped = begin();
    streams.stop();
    EXPECT_TRUE(streams.total().adds_up());
    EXPECT_EQ(streams.total().in_flight, 0);
  }
  RecordProperty("stop_ms", std::to_string((begin() - stopped) / 1ms));
  EXPECT_EQ(threads_left_behind(), 1);
  gate->release();
  while (threads_left_behind() > 0) std::this_thread::yield();
}

INSTANTIATE_TEST_SUITE_P(Each, HangingSource, testing::Values(Hangs::kInOpening, Hangs::kInReading, Hangs::kInClosing),
                         [](const auto& tested) {
                           switch (tested.param) {
                             case Hangs::kInOpening:
                               return "InOpening";
                             case Hangs::kInReading:
                               return "InReading";
                             default:
                               return "InClosing";
                           }
                         });

}  // namespace
}  // namespace zoo::streams
