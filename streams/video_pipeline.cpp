#include "streams/video_pipeline.h"

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/engine/machine/thread_pool.h"
#include "pipeline/tasks/opencv_threads.h"
#include "streams/bounded_queue.h"
#include "streams/capture.h"
#include "streams/dispatcher.h"
#include "streams/messages.h"
#include "streams/model_slot.h"
#include "streams/outlet.h"
#include "streams/scheduler.h"

namespace zoo::streams {
namespace {

/// How often the calling thread looks whether the source still delivers.
constexpr std::chrono::milliseconds kWatchInterval{100};

using Event = std::shared_ptr<const pipeline::FrameEvent>;

/// Hands what workers have done over to the calling thread.
class CallersOutlet final : public Outlet {
 public:
  CallersOutlet(const PipelineStages& stages, size_t capacity) : stages_(stages), events_(capacity) {}

  bool wants_drawing() const override { return static_cast<bool>(stages_.draw); }
  bool wants_plain() const override { return false; }
  void prepare(pipeline::ProcessedFrame& item) override {
    if (stages_.prepare) stages_.prepare(item);
  }
  void begin(size_t /*stream*/, const pipeline::SourceInfo& /*source*/) override {}
  void write(Event event) override { events_.push(std::move(event)); }
  void end(size_t /*stream*/, const pipeline::SourceStats& stats) override {
    stats_ = stats;
    events_.close();
  }

  /// The next, if it comes in time; `ended` once there will be no more.
  Event next(bool& ended) { return events_.pop_for(kWatchInterval, ended).value_or(nullptr); }
  void cancel() { events_.cancel(); }
  /// Only once it has ended.
  const pipeline::SourceStats& stats() const { return stats_; }

 private:
  const PipelineStages& stages_;
  BoundedQueue<Event> events_;
  pipeline::SourceStats stats_;
};

StreamOptions stream_of(const pipeline::SourceInfo& info, const PipelineOptions& options) {
  StreamOptions stream;
  stream.name = info.name;
  stream.spec.kind = info.kind;
  stream.policy.kind = info.live ? FramePolicy::Kind::kLatest : FramePolicy::Kind::kBlock;
  stream.stall_timeout = options.stall_timeout;
  stream.max_frames = options.max_frames;
  return stream;
}

/// So many at work that workers need not wait for the slowest of them, nor for who draws.
LaneOptions lane_of(const pipeline::SourceInfo& info, const PipelineOptions& options) {
  const auto workers = static_cast<size_t>(options.predict_threads);
  const size_t ahead = info.live ? 1 : std::max(options.queue_capacity, workers);
  return {.room = {.waiting_frames = options.queue_capacity, .most_at_work = workers + ahead}, .is_watched = false};
}

class Run {
 public:
  Run(const std::shared_ptr<pipeline::FrameSource>& source, const PipelineStages& stages,
      const PipelineOptions& options)
      : info_(source->info()),
        stages_(stages),
        options_(options),
        model_(std::make_shared<ServedModel>(ServedModel{
            .version = 1,
            .name = {},
            .model = nullptr,
            .predict = [&stages](const cv::Mat& frame, int /*threads*/) { return stages.predict(frame); }})),
        outlet_(stages, info_.live ? 1 : options.queue_capacity),
        scheduler_(std::make_shared<Scheduler>(system_clock(),
                                               SchedulerOptions{.workers = options.predict_threads,
                                                                .delivers_apart = static_cast<bool>(stages.draw),
                                                                .first_stream = options.stream})),
        dispatcher_(place(), {.workers = options.predict_threads, .delivers_apart = static_cast<bool>(stages.draw)}) {
    try {
      start(source);
    } catch (...) {
      end_run(std::current_exception());
    }
  }

  pipeline::SourceStats execute() {
    if (capture_) {
      try {
        deliver_events();
      } catch (...) {
        end_run(std::current_exception());
      }
      wait_for_capture();
      end_run(capture_->error());
      capture_->give_up();
    }
    dispatcher_.join();
    if (error_) std::rethrow_exception(error_);
    return outlet_.stats();
  }

 private:
  WorkPlace place() {
    return {.clock = system_clock(),
            .scheduler = *scheduler_,
            .model = model_,
            .outlets = {&outlet_},
            .messages = *messages_,
            .draw = stages_.draw,
            .end_run = [this](std::exception_ptr error) { end_run(std::move(error)); }};
  }

  void start(const std::shared_ptr<pipeline::FrameSource>& source) {
    lane_ = scheduler_->add(stream_of(info_, options_), stages_.filter, lane_of(info_, options_));
    scheduler_->end_with_streams();
    try {
      capture_.emplace(scheduler_, lane_, messages_, source, options_.stop);
    } catch (...) {
      scheduler_->leave_source(*lane_);
      throw;
    }
  }

  /// Nothing for a null.
  void end_run(std::exception_ptr error) {
    if (!error) return;
    {
      const std::scoped_lock lock(error_mutex_);
      if (!error_) error_ = std::move(error);
    }
    scheduler_->stop();
    outlet_.cancel();
  }

  bool stopping() const { return enough_ || (options_.stop != nullptr && *options_.stop); }

  void deliver_events() {
    bool ended = false;
    while (!ended) {
      const Event event = outlet_.next(ended);
      if (event && !stages_.sink(*event)) {
        enough_ = true;
        capture_->stop();
      }
      watch_source();
    }
  }

  void watch_source() {
    if (stopping()) {
      hangs_ |= scheduler_->leave_hanging_source(*lane_, options_.stop_grace);
    } else if (info_.live) {
      hangs_ |= scheduler_->leave_silent_source(*lane_, [this](int64_t captured) { return loss_after(captured); });
    }
  }

  pipeline::FrameFailure loss_after(int64_t captured) const {
    const double timeout_s = std::chrono::duration<double>(lane_->patience()).count();
    return {.source = info_.name,
            .index = captured,
            .kind = pipeline::FailureKind::kLost,
            .message = fmt::format("{}: no frame for {} s after {}", info_.name, timeout_s, counted(captured, "frame")),
            .cause = pipeline::LossCause::kTimeout};
  }

  /// Until its thread is about to end, or is given up: an error may have come while the source is stuck.
  void wait_for_capture() {
    capture_->stop();
    while (!hangs_ && !capture_->ends_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(10))) {
      hangs_ = scheduler_->leave_hanging_source(*lane_, options_.stop_grace);
    }
  }

  const pipeline::SourceInfo info_;
  const PipelineStages& stages_;
  const PipelineOptions& options_;
  ModelSlot model_;
  CallersOutlet outlet_;
  const std::shared_ptr<Messages> messages_ = std::make_shared<Messages>(nullptr);
  const std::shared_ptr<Scheduler> scheduler_;
  std::shared_ptr<Lane> lane_;
  std::mutex error_mutex_;
  std::exception_ptr error_;  ///< guarded by error_mutex_
  bool enough_ = false;       ///< of the calling thread
  bool hangs_ = false;        ///< the source was left; of the calling thread
  std::optional<Capture> capture_;
  Dispatcher dispatcher_;  ///< after what its threads use
};

void check(const PipelineStages& stages, const PipelineOptions& options) {
  const auto check_option = [](bool is_right, std::string_view name, std::string_view expected) {
    if (!is_right) throw Error(fmt::format("PipelineOptions::{}: expected {}", name, expected));
  };
  if (!stages.predict || !stages.sink) throw Error("PipelineStages: predict and sink must be given");
  check_option(options.predict_threads >= 1 && options.predict_threads <= engine::kMaxThreads, "predict_threads",
               fmt::format("1 to {}, found {}", engine::kMaxThreads, options.predict_threads));
  check_option(options.queue_capacity >= 1, "queue_capacity", "at least 1, found 0");
  check_option(options.max_frames >= 0, "max_frames",
               fmt::format("0 (no limit) or more, found {}", options.max_frames));
  check_option(options.stall_timeout.count() > 0, "stall_timeout",
               fmt::format("more than 0 ms, found {}", options.stall_timeout.count()));
  check_option(options.stop_grace.count() >= 0, "stop_grace",
               fmt::format("0 ms or more, found {}", options.stop_grace.count()));
}

}  // namespace

pipeline::SourceStats run_pipeline(const std::shared_ptr<pipeline::FrameSource>& source, const PipelineStages& stages,
                                   const PipelineOptions& options) {
  check(stages, options);
  pipeline::limit_opencv_threads();
  return Run(source, stages, options).execute();
}

}  // namespace zoo::streams
