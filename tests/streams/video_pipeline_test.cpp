#include "streams/video_pipeline.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "streams/left_threads.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

/// Yields numbered frames (the number is the pixel's value); `on_next` runs before each and may throw, wait, or answer.
class FakeSource : public pipeline::FrameSource {
 public:
  using OnNext = std::function<std::optional<pipeline::FrameResult>(int64_t index)>;

  FakeSource(int64_t count, bool live, OnNext on_next = {}) : count_(count), on_next_(std::move(on_next)) {
    info_.kind = pipeline::SourceKind::kVideoFile;
    info_.name = "fake";
    info_.live = live;
  }

  std::optional<pipeline::FrameResult> next() override {
    if (index_ == count_) {
      if (on_end) on_end();
      return std::nullopt;
    }
    const int64_t index = index_++;
    if (on_next_) {
      if (auto answer = on_next_(index)) return answer;
    }
    return pipeline::Frame{
        .image = cv::Mat(1, 1, CV_32SC1, cv::Scalar(static_cast<double>(index))), .source = "fake", .index = index};
  }

  const pipeline::SourceInfo& info() const override { return info_; }

  /// Called when all frames have been taken over, before the source says that it has ended.
  std::function<void()> on_end;

 private:
  int64_t count_;
  OnNext on_next_;
  pipeline::SourceInfo info_;
  int64_t index_ = 0;
};

/// A place where a thread waits until the test lets it go on.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

pipeline::Classification number_of(const cv::Mat& image) {
  pipeline::Classification result;
  result.top = {{image.at<int>(0, 0), "", 1.0}};
  return result;
}

/// What a sink has seen.
struct Recorder {
  std::vector<int64_t> frames;
  std::vector<pipeline::FrameFailure> failures;

  bool operator()(const pipeline::FrameEvent& event) {
    if (const auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) {
      EXPECT_EQ(std::get<pipeline::Classification>(item->result).top.at(0).index, item->frame.index);
      frames.push_back(item->frame.index);
    } else {
      failures.push_back(std::get<pipeline::FrameFailure>(event));
    }
    return true;
  }
};

PipelineStages stages_into(Recorder& recorder) {
  return {.predict = number_of, .draw = {}, .sink = [&](const pipeline::FrameEvent& event) { return recorder(event); }};
}

void expect_accounted(const pipeline::SourceStats& stats) {
  EXPECT_EQ(stats.captured, stats.ok + stats.failed + stats.dropped);
}

TEST(VideoPipeline, KeepsEveryFrameOfAFileInOrder) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  std::atomic<int> drawn = 0;
  stages.draw = [&](pipeline::ProcessedFrame&) { ++drawn; };
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<FakeSource>(500, false), stages);
  ASSERT_THAT(recorder.frames, SizeIs(500));
  for (size_t i = 0; i < 500; ++i) EXPECT_EQ(recorder.frames[i], static_cast<int64_t>(i));
  EXPECT_EQ(drawn, 500);
  EXPECT_EQ(stats.captured, 500);
  EXPECT_EQ(stats.ok, 500);
  EXPECT_TRUE(stats.whole);
  EXPECT_EQ(stats.dropped, 0);
}

TEST(VideoPipeline, PreparesWhatWasPredictedInTheSameThread) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  stages.predict = [](const cv::Mat& image) {
    if (image.at<int>(0, 0) == 3) throw Error("does not fit");
    return number_of(image);
  };
  std::mutex mutex;
  std::set<std::thread::id> threads;
  stages.prepare = [&](pipeline::ProcessedFrame& item) {
    item.mask_counts = {std::to_string(std::get<pipeline::Classification>(item.result).top.at(0).index)};
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  };
  stages.sink = [&](const pipeline::FrameEvent& event) {
    const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
    if (item != nullptr) {
      EXPECT_THAT(item->mask_counts, ElementsAre(std::to_string(item->frame.index)));
    }
    return recorder(event);
  };
  run_pipeline(std::make_shared<FakeSource>(6, false), stages);
  EXPECT_THAT(recorder.frames, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(threads, SizeIs(1));
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(VideoPipeline, RunsStagesInOwnThreadsAndTheSinkInTheCallers) {
  std::vector<std::thread::id> ids(4);
  const auto source = std::make_shared<FakeSource>(1, false, [&](int64_t) -> std::optional<pipeline::FrameResult> {
    ids[0] = std::this_thread::get_id();
    return std::nullopt;
  });
  PipelineStages stages;
  stages.predict = [&](const cv::Mat&) {
    ids[1] = std::this_thread::get_id();
    return pipeline::Classification{};
  };
  stages.draw = [&](pipeline::ProcessedFrame&) { ids[2] = std::this_thread::get_id(); };
  stages.sink = [&](const pipeline::FrameEvent&) {
    ids[3] = std::this_thread::get_id();
    return true;
  };
  run_pipeline(source, stages);
  for (size_t a = 0; a < ids.size(); ++a) {
    for (size_t b = a + 1; b < ids.size(); ++b) EXPECT_NE(ids[a], ids[b]);
  }
  EXPECT_EQ(ids[3], std::this_thread::get_id());
}

// Of each three frames the last is done first.
TEST(VideoPipeline, SeveralPredictThreadsKeepTheOrder) {
  constexpr int kFrames = 140;
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  std::mutex mutex;
  std::condition_variable changed;
  std::set<int> done;
  std::set<std::thread::id> threads;
  stages.predict = [&](const cv::Mat& image) {
    const int number = image.at<int>(0, 0);
    std::unique_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
    const bool last = number % 3 == 2 || number + 1 == kFrames;
    changed.wait(lock, [&] { return last || done.contains(number + 1); });
    done.insert(number);
    changed.notify_all();
    if (number % 7 == 3) throw GraphError("too small");
    return number_of(image);
  };
  const pipeline::SourceStats stats =
      run_pipeline(std::make_shared<FakeSource>(kFrames, false), stages, {.predict_threads = 3, .queue_capacity = 1});
  EXPECT_EQ(stats.captured, 140);
  EXPECT_EQ(stats.failed, 20);
  EXPECT_TRUE(std::ranges::is_sorted(recorder.frames));
  EXPECT_THAT(recorder.frames, SizeIs(120));
  EXPECT_THAT(threads, SizeIs(3));
}

/// Pictures: reading is left to the pipeline.
class PendingSource : public FakeSource {
 public:
  using FakeSource::FakeSource;

  std::optional<Pending> next_pending() override {
    std::optional<pipeline::FrameResult> result = next();
    if (!result) return std::nullopt;
    return [this, result = std::move(*result)] {
      const std::scoped_lock lock(mutex);
      readers.insert(std::this_thread::get_id());
      return result;
    };
  }

  std::mutex mutex;
  std::set<std::thread::id> readers;
};

TEST(VideoPipeline, PicturesAreReadByTheThreadsThatPredict) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  std::mutex mutex;
  std::set<std::thread::id> predictors;
  stages.predict = [&](const cv::Mat& image) {
    const std::scoped_lock lock(mutex);
    predictors.insert(std::this_thread::get_id());
    return number_of(image);
  };
  const auto source = std::make_shared<PendingSource>(50, false);
  run_pipeline(source, stages, {.predict_threads = 2});
  EXPECT_THAT(recorder.frames, SizeIs(50));
  EXPECT_TRUE(std::ranges::is_sorted(recorder.frames));
  EXPECT_EQ(source->readers, predictors);
}

TEST(VideoPipeline, EmptySourceEndsAtOnce) {
  Recorder recorder;
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<FakeSource>(0, false), stages_into(recorder));
  EXPECT_EQ(stats.captured, 0);
  EXPECT_THAT(recorder.frames, IsEmpty());
}

TEST(VideoPipeline, SlowReaderOfALiveSourceDropsAndCounts) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  // The network works on the first frame while all others come.
  Gate predicting;
  stages.predict = [&](const cv::Mat& image) {
    if (image.at<int>(0, 0) == 0) predicting.wait();
    return number_of(image);
  };
  const auto source =
      std::make_shared<FakeSource>(100, true, [&](int64_t index) -> std::optional<pipeline::FrameResult> {
        if (index == 1) predicting.wait_until_reached();
        return std::nullopt;
      });
  source->on_end = [&] { predicting.release(); };
  const pipeline::SourceStats stats = run_pipeline(source, stages);
  EXPECT_EQ(stats.captured, 100);
  EXPECT_EQ(stats.dropped, 98);
  EXPECT_EQ(stats.ok, 2);
  EXPECT_THAT(recorder.frames, ElementsAre(0, 99)) << "the newest frame wins";
}

TEST(VideoPipeline, FailedFramesKeepTheirPlace) {
  Recorder recorder;
  std::vector<std::string> order;
  PipelineStages stages = stages_into(recorder);
  stages.sink = [&](const pipeline::FrameEvent& event) {
    order.push_back(std::holds_alternative<pipeline::ProcessedFrame>(event)
                        ? "ok"
                        : std::get<pipeline::FrameFailure>(event).message);
    return recorder(event);
  };
  stages.predict = [](const cv::Mat& image) {
    if (image.at<int>(0, 0) == 3) throw GraphError("too small");
    return number_of(image);
  };
  const auto source = std::make_shared<FakeSource>(5, false, [](int64_t index) -> std::optional<pipeline::FrameResult> {
    if (index == 1) return pipeline::FrameFailure{"fake", 1, pipeline::FailureKind::kEmpty, "fake 1 is empty"};
    return std::nullopt;
  });
  const pipeline::SourceStats stats = run_pipeline(source, stages);
  EXPECT_THAT(order, ElementsAre("ok", "fake 1 is empty", "ok", "fake: too small", "ok"));
  EXPECT_EQ(recorder.failures.at(1).kind, pipeline::FailureKind::kProcessing);
  EXPECT_EQ(recorder.failures.at(1).index, 3);
  EXPECT_EQ(stats.failed, 2);
  EXPECT_EQ(stats.ok, 3);
  expect_accounted(stats);
}

TEST(VideoPipeline, MaxFramesStopsFilesAndLiveSources) {
  for (const bool live : {false, true}) {
    Recorder recorder;
    const auto source = std::make_shared<FakeSource>(1'000'000'000, live);
    const pipeline::SourceStats stats = run_pipeline(source, stages_into(recorder), {.max_frames = 10});
    EXPECT_THAT(recorder.frames, SizeIs(10));
    EXPECT_EQ(stats.ok, 10);
    EXPECT_FALSE(stats.whole);
    expect_accounted(stats);
  }
}

TEST(VideoPipeline, StopFlagFinishesWhatIsUnderWay) {
  for (const bool live : {false, true}) {
    std::atomic<bool> stop = false;
    Recorder recorder;
    PipelineStages stages = stages_into(recorder);
    stages.sink = [&](const pipeline::FrameEvent& event) {
      if (recorder.frames.size() == 20) stop = true;
      return recorder(event);
    };
    const pipeline::SourceStats stats =
        run_pipeline(std::make_shared<FakeSource>(1'000'000'000, live), stages, {.stop = &stop});
    EXPECT_GE(stats.ok, 20);
    EXPECT_EQ(stats.ok, static_cast<int64_t>(recorder.frames.size()));
    expect_accounted(stats);
  }
}

TEST(VideoPipeline, SinkMayEndIt) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  stages.sink = [&](const pipeline::FrameEvent& event) {
    recorder(event);
    return recorder.frames.size() < 5;
  };
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<FakeSource>(1'000'000'000, false), stages);
  EXPECT_GE(stats.ok, 5);
  EXPECT_LE(stats.ok, 5 + 4 * 4) << "only what was under way";
  expect_accounted(stats);
}

enum class Stage { kCapture, kPredict, kDraw, kSink };

struct FailureCase {
  const char* name;
  Stage stage;
  int64_t at;
  bool live;
};

class FailingStage : public ::testing::TestWithParam<FailureCase> {};

TEST_P(FailingStage, EndsThePipelineAndReachesTheCaller) {
  const FailureCase& test = GetParam();
  const auto fail_at = [&](Stage stage, int64_t index) {
    if (stage == test.stage && index >= test.at) throw std::runtime_error("stage failed");
  };
  const auto source = std::make_shared<FakeSource>(1'000'000'000, test.live,
                                                   [&](int64_t index) -> std::optional<pipeline::FrameResult> {
                                                     fail_at(Stage::kCapture, index);
                                                     return std::nullopt;
                                                   });
  PipelineStages stages;
  stages.predict = [&](const cv::Mat& image) {
    fail_at(Stage::kPredict, image.at<int>(0, 0));
    return number_of(image);
  };
  stages.draw = [&](pipeline::ProcessedFrame& item) { fail_at(Stage::kDraw, item.frame.index); };
  stages.sink = [&](const pipeline::FrameEvent& event) {
    fail_at(Stage::kSink, std::get<pipeline::ProcessedFrame>(event).frame.index);
    return true;
  };
  for (int repetition = 0; repetition < 20; ++repetition) {
    try {
      run_pipeline(source, stages, {.predict_threads = 1 + repetition % 3});
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "stage failed");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FailingStage,
                         ::testing::Values(FailureCase{"capture_at_once", Stage::kCapture, 0, false},
                                           FailureCase{"capture_later", Stage::kCapture, 50, false},
                                           FailureCase{"capture_live", Stage::kCapture, 50, true},
                                           FailureCase{"predict_at_once", Stage::kPredict, 0, false},
                                           FailureCase{"predict_later", Stage::kPredict, 50, false},
                                           FailureCase{"predict_live", Stage::kPredict, 50, true},
                                           FailureCase{"draw_at_once", Stage::kDraw, 0, false},
                                           FailureCase{"draw_later", Stage::kDraw, 50, false},
                                           FailureCase{"draw_live", Stage::kDraw, 50, true},
                                           FailureCase{"sink_at_once", Stage::kSink, 0, false},
                                           FailureCase{"sink_later", Stage::kSink, 50, false},
                                           FailureCase{"sink_live", Stage::kSink, 50, true}),
                         [](const auto& test) { return test.param.name; });

/// Hands frames out as work for others (PendingSource does), which then throws what the test says.
class ThrowingPendings : public FakeSource {
 public:
  ThrowingPendings(bool live, std::function<void()> thrower) : FakeSource(100, live), thrower_(std::move(thrower)) {}

  std::optional<Pending> next_pending() override {
    std::optional<pipeline::FrameResult> result = next();
    if (!result) return std::nullopt;
    return [this, result = std::move(*result)]() mutable {
      if (std::get<pipeline::Frame>(result).index == 7) thrower_();
      return std::move(result);
    };
  }

 private:
  std::function<void()> thrower_;
};

TEST(VideoPipeline, WhatASourceThrowsWhileItReadsReachesTheCaller) {
  for (const bool live : {false, true}) {
    Recorder recorder;
    const auto run = [&](std::function<void()> thrower) {
      run_pipeline(std::make_shared<ThrowingPendings>(live, std::move(thrower)), stages_into(recorder));
    };
    EXPECT_THROW(run([] { throw IoError("gone"); }), IoError) << live;
    EXPECT_THROW(run([] { throw std::bad_alloc(); }), std::bad_alloc) << live;
    EXPECT_THROW(run([] { throw 7; }), int) << live;
  }
}

TEST(VideoPipeline, EngineErrorsAreNotTheFramesFault) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  stages.predict = [](const cv::Mat&) -> pipeline::Classification { throw EngineError("broken"); };
  EXPECT_THROW(run_pipeline(std::make_shared<FakeSource>(10, false), stages), EngineError);
}

/// A live source that hangs after five frames, and something that shows when its last owner is gone.
struct HangingSource {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>(
      1'000'000, true, [gate = gate](int64_t index) -> std::optional<pipeline::FrameResult> {
        if (index == 5) gate->wait();
        return std::nullopt;
      });

  void release_and_wait_for_the_end() {
    EXPECT_EQ(threads_left_behind(), 1);
    gate->release();
    const std::weak_ptr<FakeSource> last = std::exchange(source, nullptr);
    while (!last.expired()) std::this_thread::sleep_for(1ms);
    while (threads_left_behind() > 0) std::this_thread::sleep_for(1ms);
  }
};

TEST(LeftThreads, CountWhoWasGivenUpAndHasNotEnded) {
  ASSERT_EQ(threads_left_behind(), 0);
  Abandonable one;
  Abandonable two;
  Abandonable three;
  one.end();
  one.abandon();  // too late
  EXPECT_EQ(threads_left_behind(), 0);
  two.abandon();
  three.abandon();
  EXPECT_EQ(threads_left_behind(), 2);
  two.end();
  three.end();
  EXPECT_EQ(threads_left_behind(), 0);
}

TEST(VideoPipeline, LiveSourceThatGoesSilentIsLost) {
  HangingSource hanging;
  Recorder recorder;
  const pipeline::SourceStats stats = run_pipeline(hanging.source, stages_into(recorder), {.stall_timeout = 300ms});
  ASSERT_THAT(recorder.failures, SizeIs(1));
  EXPECT_EQ(recorder.failures[0].kind, pipeline::FailureKind::kLost);
  EXPECT_EQ(recorder.failures[0].index, 5);
  EXPECT_EQ(recorder.failures[0].message, "fake: no frame for 0.3 s after 5 frames");
  EXPECT_EQ(stats.captured, 6);
  expect_accounted(stats);
  hanging.release_and_wait_for_the_end();
}

TEST(VideoPipeline, StoppingDoesNotWaitForASourceThatHangs) {
  HangingSource hanging;
  std::atomic<bool> stop = false;
  Recorder recorder;
  pipeline::SourceStats stats;
  {
    std::jthread stopper([&] {
      hanging.gate->wait_until_reached();
      stop = true;
    });
    stats = run_pipeline(hanging.source, stages_into(recorder), {.stop = &stop, .stop_grace = 100ms});
  }
  EXPECT_THAT(recorder.failures, IsEmpty());
  EXPECT_EQ(stats.captured, 5);
  expect_accounted(stats);
  hanging.release_and_wait_for_the_end();
}

TEST(VideoPipeline, ErrorElsewhereDoesNotWaitForASourceThatHangs) {
  HangingSource hanging;
  PipelineStages stages;
  stages.predict = number_of;
  stages.sink = [&](const pipeline::FrameEvent& event) -> bool {
    if (std::get<pipeline::ProcessedFrame>(event).frame.index == 4) {
      hanging.gate->wait_until_reached();
      throw std::runtime_error("sink failed");
    }
    return true;
  };
  EXPECT_THROW(run_pipeline(hanging.source, stages, {.stop_grace = 100ms}), std::runtime_error);
  hanging.release_and_wait_for_the_end();
}

}  // namespace
}  // namespace zoo::streams
