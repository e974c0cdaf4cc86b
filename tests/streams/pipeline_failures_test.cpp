#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "nn/core/left_threads.h"
#include "streams/video_pipeline.h"
#include "tests/streams/gate.h"
#include "tests/streams/pipeline_parts.h"

namespace zoo::streams {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

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
  const auto source = std::make_shared<CountingSource>(1'000'000'000, test.live,
                                                       [&](int64_t index) -> std::optional<pipeline::FrameResult> {
                                                         fail_at(Stage::kCapture, index);
                                                         return std::nullopt;
                                                       });
  PipelineStages stages;
  stages.predict = [&](const cv::Mat& image) {
    fail_at(Stage::kPredict, image.at<int>(0, 0));
    return counted_number(image);
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
class ThrowingPendings : public CountingSource {
 public:
  ThrowingPendings(bool live, std::function<void()> thrower)
      : CountingSource(100, live), thrower_(std::move(thrower)) {}

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
  EXPECT_THROW(run_pipeline(std::make_shared<CountingSource>(10, false), stages), EngineError);
}

/// A live source that hangs after five frames, and something that shows when its last owner is gone.
struct HangingSource {
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<CountingSource> source = std::make_shared<CountingSource>(
      1'000'000, true, [gate = gate](int64_t index) -> std::optional<pipeline::FrameResult> {
        if (index == 5) gate->wait();
        return std::nullopt;
      });

  void release_and_wait_for_the_end() {
    EXPECT_EQ(threads_left_behind(), 1);
    gate->release();
    const std::weak_ptr<CountingSource> last = std::exchange(source, nullptr);
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
  stages.predict = counted_number;
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
