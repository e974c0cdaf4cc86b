#include "streams/video_pipeline.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/start_thread.h"
#include "nn/core/stopwatch.h"
#include "nn/engine/thread_pool.h"
#include "pipeline/tasks/frame_errors.h"
#include "pipeline/tasks/opencv_threads.h"
#include "streams/bounded_queue.h"
#include "streams/left_threads.h"
#include "streams/ordered_queue.h"

namespace zoo::streams {
namespace {

using Clock = std::chrono::steady_clock;

/// How often the calling thread looks whether the source still delivers.
constexpr std::chrono::milliseconds kWatchInterval{100};

/// A frame, or how to get it.
using Captured = std::variant<pipeline::FrameResult, pipeline::FrameSource::Pending>;

/// The source and who waits for it. Outlives the pipeline when the source never comes back.
class WatchedSource {
 public:
  explicit WatchedSource(std::shared_ptr<pipeline::FrameSource> source)
      : source_(std::move(source)), live_(source_->info().live) {}

  /// FrameSource::next_pending(), of a live source what it yields; false when nobody wants the result any more.
  bool next(std::optional<Captured>& result, std::exception_ptr& error) {
    {
      const std::lock_guard lock(mutex_);
      waiting_since_ = Clock::now();
    }
    try {
      std::optional<pipeline::FrameSource::Pending> pending = source_->next_pending();
      if (pending && live_) {
        result = (*pending)();
      } else if (pending) {
        result = std::move(*pending);
      }
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    waiting_since_.reset();
    return !abandoned_;
  }

  /// Gives the source up if it has been asked for a frame for longer than this. The thread inside next() then ends by
  /// itself, whenever next() returns.
  bool abandon_if_waiting_for(Clock::duration limit) {
    const std::lock_guard lock(mutex_);
    if (!abandoned_ && waiting_since_ && Clock::now() - *waiting_since_ > limit) abandoned_ = true;
    return abandoned_;
  }

 private:
  const std::shared_ptr<pipeline::FrameSource> source_;
  const bool live_;
  std::mutex mutex_;
  std::optional<Clock::time_point> waiting_since_;
  bool abandoned_ = false;
};

class Run {
 public:
  Run(const std::shared_ptr<pipeline::FrameSource>& source, const PipelineStages& stages,
      const PipelineOptions& options)
      : source_(std::make_shared<WatchedSource>(source)),
        name_(source->info().name),
        live_(source->info().live),
        stall_timeout_(options.stall_timeout * (source->info().ends_stalls ? 2 : 1)),
        stages_(stages),
        options_(options),
        captured_(live_ ? 1 : options.queue_capacity),
        predicted_(live_ ? 1 : std::max(options.queue_capacity, static_cast<size_t>(options.predict_threads))),
        drawn_(live_ ? 1 : options.queue_capacity),
        predicting_(options.predict_threads) {}

  pipeline::SourceStats execute() {
    const Stopwatch watch;
    {
      std::jthread capture_thread;
      std::vector<std::jthread> predict;
      std::jthread draw;
      // If there are no more threads, those that run must not wait for those that do not.
      guarded([&] {
        capture_thread = start_thread("zoo-capture", [this, source = source_, capturing = capturing_]() mutable {
          capture(*source);
          source.reset();
          capturing->end();
        });
        for (int i = 0; i < options_.predict_threads; ++i) {
          predict.push_back(
              start_thread(fmt::format("zoo-worker{}", i), [this] { guarded([this] { predict_frames(); }); }));
        }
        draw = start_thread("zoo-draw", [this] { guarded([this] { draw_frames(); }); });
      });
      guarded([this] { deliver_frames(); });
      if (capture_thread.joinable() && !capture_comes_back()) {
        capturing_->abandon();
        capture_thread.detach();
      }
    }
    if (error_) std::rethrow_exception(error_);
    stats_.wall_s = watch.elapsed_ms() / 1000.0;
    return stats_;
  }

 private:
  template <typename Stage>
  void guarded(Stage stage) {
    try {
      stage();
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void fail(std::exception_ptr error) {
    {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::move(error);
    }
    stop_ = true;
    captured_.cancel();
    predicted_.cancel();
    drawn_.cancel();
  }

  bool stopping() const { return stop_ || (options_.stop != nullptr && *options_.stop); }

  bool wants_more() const {
    return !stopping() && (options_.max_frames == 0 || stats_.captured - stats_.dropped < options_.max_frames);
  }

  /// Waits until the capture thread is about to end, or gives it up: an error may have come while the source is stuck.
  bool capture_comes_back() {
    while (!capture_ended_) {
      if (source_->abandon_if_waiting_for(options_.stop_grace)) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  /// Of the capture thread, which may be given up; then the pipeline may be gone.
  void capture(WatchedSource& source) {
    bool given_up = false;
    guarded([&] { given_up = !capture_frames(source); });
    if (given_up) return;
    captured_.close();
    capture_ended_ = true;
  }

  /// False if the source was given up.
  bool capture_frames(WatchedSource& source) {
    while (wants_more()) {
      std::optional<Captured> result;
      std::exception_ptr error;
      if (!source.next(result, error)) return false;
      if (error) std::rethrow_exception(error);
      if (!result) {
        stats_.whole = !stopping();  // a source that is told to stop ends, too
        break;
      }
      if (!accept(std::move(*result))) break;
    }
    return true;
  }

  /// False once the queue is closed.
  bool accept(Captured captured) {
    auto* result = std::get_if<pipeline::FrameResult>(&captured);
    if (!(result != nullptr && live_ ? accept_live(std::move(*result)) : captured_.push(std::move(captured)))) {
      return false;
    }
    ++stats_.captured;
    return true;
  }

  bool accept_live(pipeline::FrameResult result) {
    if (std::holds_alternative<pipeline::FrameFailure>(result)) return captured_.push(std::move(result));
    std::optional<Captured> dropped;
    if (!captured_.push_newest(std::move(result), dropped)) return false;
    if (dropped) ++stats_.dropped;
    return true;
  }

  void predict_frames() {
    while (std::optional<std::pair<int64_t, Captured>> taken = take()) {
      pipeline::FrameEvent event = to_event(std::move(taken->second));
      if (auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) predict_frame(*item, event);
      if (!predicted_.push(taken->first, std::move(event))) break;
    }
    if (--predicting_ == 0) predicted_.close();
  }

  /// The next capture and its number.
  std::optional<std::pair<int64_t, Captured>> take() {
    const std::lock_guard lock(take_mutex_);
    std::optional<Captured> captured = captured_.pop();
    if (!captured) return std::nullopt;
    return std::pair(taken_++, std::move(*captured));
  }

  pipeline::FrameEvent to_event(Captured captured) const {
    const auto* pending = std::get_if<pipeline::FrameSource::Pending>(&captured);
    pipeline::FrameResult result =
        pending != nullptr ? (*pending)() : std::get<pipeline::FrameResult>(std::move(captured));
    std::visit([&](auto& of_source) { of_source.stream = options_.stream; }, result);
    if (auto* failure = std::get_if<pipeline::FrameFailure>(&result)) return std::move(*failure);
    return pipeline::ProcessedFrame{.frame = std::get<pipeline::Frame>(std::move(result)), .result = {}};
  }

  /// `item` is inside `event`, which becomes a failure if the frame does not fit the network.
  void predict_frame(pipeline::ProcessedFrame& item, pipeline::FrameEvent& event) {
    auto problem =
        pipeline::problem_of_frame(item.frame.source, [&] { item.result = stages_.predict(item.frame.image); });
    if (!problem) {
      if (stages_.prepare) stages_.prepare(item);
      return;
    }
    event = pipeline::FrameFailure{.source = item.frame.source,
                                   .index = item.frame.index,
                                   .kind = pipeline::FailureKind::kProcessing,
                                   .message = std::move(*problem),
                                   .stream = options_.stream};
  }

  void draw_frames() {
    while (std::optional<pipeline::FrameEvent> event = predicted_.pop()) {
      auto* item = std::get_if<pipeline::ProcessedFrame>(&*event);
      if (item != nullptr && stages_.filter) stages_.filter(*item);
      if (item != nullptr && stages_.draw) {
        const Stopwatch watch;
        stages_.draw(*item);
        item->draw_ms = watch.elapsed_ms();
      }
      if (!drawn_.push(std::move(*event))) break;
    }
    drawn_.close();
  }

  void deliver_frames() {
    bool ended = false;
    while (!ended) {
      if (const auto event = drawn_.pop_for(kWatchInterval, ended)) deliver(*event);
      watch_source();
    }
    if (lost_) deliver(*lost_);
  }

  void deliver(const pipeline::FrameEvent& event) {
    ++(std::holds_alternative<pipeline::ProcessedFrame>(event) ? stats_.ok : stats_.failed);
    if (!stages_.sink(event)) stop_ = true;
  }

  void watch_source() {
    if (abandoned_ || (!live_ && !stopping())) return;
    abandoned_ = source_->abandon_if_waiting_for(stopping() ? options_.stop_grace : stall_timeout_);
    if (!abandoned_) return;
    if (!stopping()) {
      const double timeout_s = std::chrono::duration<double>(stall_timeout_).count();
      lost_ = pipeline::FrameFailure{
          name_,
          stats_.captured,
          pipeline::FailureKind::kLost,
          fmt::format("{}: no frame for {} s after {}", name_, timeout_s, counted(stats_.captured, "frame")),
          options_.stream,
          pipeline::LossCause::kTimeout};
      ++stats_.captured;
    }
    captured_.close();
  }

  const std::shared_ptr<WatchedSource> source_;
  const std::shared_ptr<Abandonable> capturing_ = std::make_shared<Abandonable>();
  const std::string name_;
  const bool live_;
  const std::chrono::milliseconds stall_timeout_;
  const PipelineStages& stages_;
  const PipelineOptions& options_;
  BoundedQueue<Captured> captured_;
  OrderedQueue<pipeline::FrameEvent> predicted_;
  BoundedQueue<pipeline::FrameEvent> drawn_;
  std::atomic<int> predicting_;  ///< threads that may still push into `predicted_`
  std::mutex take_mutex_;
  int64_t taken_ = 0;  ///< guarded by `take_mutex_`
  std::atomic<bool> stop_ = false;
  std::atomic<bool> capture_ended_ = false;
  bool abandoned_ = false;                    ///< of the calling thread
  std::optional<pipeline::FrameEvent> lost_;  ///< of the calling thread
  std::mutex error_mutex_;
  std::exception_ptr error_;
  /// `captured`, `dropped` and `whole` belong to the capture thread until it has ended or was given up, the rest to the
  /// caller.
  pipeline::SourceStats stats_;
};

}  // namespace

namespace {

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
