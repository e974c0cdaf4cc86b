// What tests of live streams put in the place of cameras, models and outputs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "nn/core/clock.h"
#include "pipeline/result_sink.h"
#include "streams/live_streams.h"

namespace zoo::streams {

/// Waits for this moment, or for `stop`.
inline void sleep_until(Clock& clock, Clock::TimePoint time, const std::atomic<bool>* stop = nullptr) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  clock.wait_until(lock, never, time, [&] { return stop != nullptr && *stop; });
}

/// A frame of one pixel, which is its number.
inline pipeline::Frame numbered_frame(int64_t index) {
  return {.image = cv::Mat(1, 1, CV_32SC1, cv::Scalar(static_cast<double>(index))), .source = "fake", .index = index};
}

/// Why there is no frame of this number.
inline pipeline::FrameFailure numbered_failure(int64_t index) {
  return {.source = "fake", .index = index, .kind = pipeline::FailureKind::kTruncated, .message = "fake: damaged"};
}

/// Asks a function for every frame.
class FakeSource : public pipeline::FrameSource {
 public:
  /// Yields what follows frame `index` - 1.
  using Next = std::function<std::optional<pipeline::FrameResult>(int64_t index)>;

  explicit FakeSource(Next next, bool live = true) : next_(std::move(next)) {
    info_.kind = pipeline::SourceKind::kStream;
    info_.name = "fake";
    info_.live = live;
  }

  std::optional<pipeline::FrameResult> next() override { return next_(index_++); }
  const pipeline::SourceInfo& info() const override { return info_; }

 private:
  Next next_;
  pipeline::SourceInfo info_;
  int64_t index_ = 0;
};

/// Yields frames at this rate by the clock, for ever.
inline std::unique_ptr<pipeline::FrameSource> camera(Clock& clock, Clock::Duration interval,
                                                     const std::atomic<bool>* stop) {
  return std::make_unique<FakeSource>(
      [&clock, interval, stop, start = clock.now()](int64_t index) -> std::optional<pipeline::FrameResult> {
        sleep_until(clock, start + (index + 1) * interval, stop);
        if (*stop) return std::nullopt;
        return numbered_frame(index);
      });
}

/// The frame's number as its class.
inline pipeline::TaskResult number_of(const cv::Mat& image) {
  pipeline::Classification result;
  result.top = {{image.at<int>(0, 0), "n", 1.0, 0.0}};
  return result;
}

inline std::shared_ptr<ModelSlot> slot_of(std::function<pipeline::TaskResult(const cv::Mat&)> predict) {
  const auto with_any_threads = [predict = std::move(predict)](const cv::Mat& image, int /*threads*/) {
    return predict(image);
  };
  return std::make_shared<ModelSlot>(
      std::make_shared<const ServedModel>(ServedModel{1, "fake", nullptr, with_any_threads}));
}

/// A model that takes so long for a frame.
inline std::shared_ptr<ModelSlot> slow_slot(Clock& clock, Clock::Duration time) {
  return slot_of([&clock, time](const cv::Mat& image) {
    sleep_until(clock, clock.now() + time);
    return number_of(image);
  });
}

inline StreamOptions stream_named(std::string name, FramePolicy policy = {}) {
  StreamOptions options;
  options.name = std::move(name);
  options.spec = {.kind = pipeline::SourceKind::kStream, .text = "fake://" + options.name, .images = {}};
  options.policy = policy;
  return options;
}

/// What has reached a sink; kept by the test, too.
struct Records {
  struct Answer {
    int64_t index = 0;
    double age_ms = 0.0;
    int64_t model_version = 0;
  };

  mutable std::mutex mutex;
  std::map<size_t, std::vector<Answer>> answers;  ///< by stream
  std::map<size_t, std::vector<pipeline::FrameFailure>> failures;
  std::map<size_t, pipeline::SourceStats> ended;
  std::vector<size_t> begun;
  int finished = 0;

  std::vector<Answer> answers_of(size_t stream) const {
    const std::scoped_lock lock(mutex);
    const auto found = answers.find(stream);
    return found == answers.end() ? std::vector<Answer>() : found->second;
  }
};

class RecordingSink : public pipeline::ResultSink {
 public:
  explicit RecordingSink(std::shared_ptr<Records> records) : records_(std::move(records)) {}

  void begin(size_t stream, const pipeline::SourceInfo& /*source*/) override {
    const std::scoped_lock lock(records_->mutex);
    records_->begun.push_back(stream);
  }
  void write(const pipeline::FrameEvent& event) override {
    const std::scoped_lock lock(records_->mutex);
    if (const auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) {
      if (const auto* result = std::get_if<pipeline::Classification>(&item->result); result && !result->top.empty()) {
        EXPECT_EQ(result->top.front().index, item->frame.image.at<int>(0, 0));
      }
      records_->answers[item->frame.stream].push_back({item->frame.index, item->age_ms, item->model_version});
    } else {
      const auto& failure = std::get<pipeline::FrameFailure>(event);
      records_->failures[failure.stream].push_back(failure);
    }
  }
  void end(size_t stream, const pipeline::SourceStats& stats) override {
    const std::scoped_lock lock(records_->mutex);
    records_->ended[stream] = stats;
  }
  void finish() override {
    const std::scoped_lock lock(records_->mutex);
    ++records_->finished;
  }

 private:
  const std::shared_ptr<Records> records_;
};

inline std::vector<std::unique_ptr<pipeline::ResultSink>> recording_into(const std::shared_ptr<Records>& records) {
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks;
  sinks.push_back(std::make_unique<RecordingSink>(records));
  return sinks;
}

/// What a run has said.
class Said {
 public:
  std::function<void(const std::string&)> listener() {
    return [this](const std::string& text) {
      const std::scoped_lock lock(mutex_);
      texts_.push_back(text);
    };
  }
  std::vector<std::string> texts() const {
    const std::scoped_lock lock(mutex_);
    return texts_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> texts_;
};

}  // namespace zoo::streams
