#include "streams/video_pipeline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/streams/gate.h"
#include "tests/streams/pipeline_parts.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST(VideoPipeline, KeepsEveryFrameOfAFileInOrder) {
  Recorder recorder;
  PipelineStages stages = stages_into(recorder);
  std::atomic<int> drawn = 0;
  stages.draw = [&](pipeline::ProcessedFrame&) { ++drawn; };
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<CountingSource>(500, false), stages);
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
    return counted_number(image);
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
  run_pipeline(std::make_shared<CountingSource>(6, false), stages);
  EXPECT_THAT(recorder.frames, ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(threads, SizeIs(1));
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(VideoPipeline, RunsStagesInOwnThreadsAndTheSinkInTheCallers) {
  std::vector<std::thread::id> ids(4);
  const auto source = std::make_shared<CountingSource>(1, false, [&](int64_t) -> std::optional<pipeline::FrameResult> {
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
    return counted_number(image);
  };
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<CountingSource>(kFrames, false), stages,
                                                   {.predict_threads = 3, .queue_capacity = 1});
  EXPECT_EQ(stats.captured, 140);
  EXPECT_EQ(stats.failed, 20);
  EXPECT_TRUE(std::ranges::is_sorted(recorder.frames));
  EXPECT_THAT(recorder.frames, SizeIs(120));
  EXPECT_THAT(threads, SizeIs(3));
}

/// Pictures: reading is left to the pipeline.
class PendingSource : public CountingSource {
 public:
  using CountingSource::CountingSource;

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
    return counted_number(image);
  };
  const auto source = std::make_shared<PendingSource>(50, false);
  run_pipeline(source, stages, {.predict_threads = 2});
  EXPECT_THAT(recorder.frames, SizeIs(50));
  EXPECT_TRUE(std::ranges::is_sorted(recorder.frames));
  EXPECT_EQ(source->readers, predictors);
}

TEST(VideoPipeline, EmptySourceEndsAtOnce) {
  Recorder recorder;
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<CountingSource>(0, false), stages_into(recorder));
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
    return counted_number(image);
  };
  const auto source =
      std::make_shared<CountingSource>(100, true, [&](int64_t index) -> std::optional<pipeline::FrameResult> {
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
    return counted_number(image);
  };
  const auto source =
      std::make_shared<CountingSource>(5, false, [](int64_t index) -> std::optional<pipeline::FrameResult> {
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
    const auto source = std::make_shared<CountingSource>(1'000'000'000, live);
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
        run_pipeline(std::make_shared<CountingSource>(1'000'000'000, live), stages, {.stop = &stop});
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
  const pipeline::SourceStats stats = run_pipeline(std::make_shared<CountingSource>(1'000'000'000, false), stages);
  EXPECT_GE(stats.ok, 5);
  EXPECT_LE(stats.ok, 5 + 4 * 4) << "only what was under way";
  expect_accounted(stats);
}

}  // namespace
}  // namespace zoo::streams
