// Sources, stages and sinks of run_pipeline's tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <opencv2/core.hpp>

#include "pipeline/result_sink.h"
#include "streams/video_pipeline.h"

namespace zoo::streams {

/// Yields numbered frames (the number is the pixel's value); `on_next` runs before each and may throw, wait, or answer.
class CountingSource : public pipeline::FrameSource {
 public:
  using OnNext = std::function<std::optional<pipeline::FrameResult>(int64_t index)>;

  CountingSource(int64_t count, bool live, OnNext on_next = {}) : count_(count), on_next_(std::move(on_next)) {
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

inline pipeline::Classification counted_number(const cv::Mat& image) {
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

inline PipelineStages stages_into(Recorder& recorder) {
  return {.predict = counted_number, .draw = {}, .sink = [&](const pipeline::FrameEvent& event) {
            return recorder(event);
          }};
}

inline void expect_accounted(const pipeline::SourceStats& stats) {
  EXPECT_EQ(stats.captured, stats.ok + stats.failed + stats.dropped);
}

}  // namespace zoo::streams
