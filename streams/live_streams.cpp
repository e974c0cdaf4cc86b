#include "streams/live_streams.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/error.h"
#include "nn/core/start_thread.h"
#include "nn/engine/machine/thread_pool.h"
#include "streams/capture.h"
#include "streams/cores.h"
#include "streams/dispatcher.h"
#include "streams/messages.h"
#include "streams/scheduler.h"
#include "streams/sink_runner.h"

namespace zoo::streams {
namespace {

/// How often it is looked whether sources are silent and streams are shed.
constexpr std::chrono::milliseconds kWatchInterval{250};
/// How long a source that was told to end may take: a camera waits for its next frame.
constexpr std::chrono::milliseconds kLeaveGrace{1000};

void check(const LiveOptions& options) {
  const auto check_threads = [](const char* name, int value) {
    if (value >= 1 && value <= engine::kMaxThreads) return;
    throw Error(fmt::format("LiveOptions::{}: expected 1 to {}, found {}", name, engine::kMaxThreads, value));
  };
  check_threads("workers", options.workers);
  check_threads("frame_threads", options.frame_threads);
}

void check(const StreamOptions& options) {
  const auto check_option = [&](bool is_right, const std::string& problem) {
    if (!is_right) throw Error(fmt::format("stream \"{}\": {}", options.name, problem));
  };
  check_option(!options.name.empty(), "name: expected one, found nothing");
  check_option(options.policy.every >= 1,
               fmt::format("policy every: expected at least 1, found {}", options.policy.every));
  check_option(options.policy.max_age.count() >= 1,
               fmt::format("policy max-age: expected at least 1 ms, found {}", options.policy.max_age.count()));
  check_option(options.open_timeout.count() >= 1,
               fmt::format("open_timeout: expected at least 1 ms, found {}", options.open_timeout.count()));
  check_option(options.stall_timeout.count() >= 1,
               fmt::format("stall_timeout: expected at least 1 ms, found {}", options.stall_timeout.count()));
  check_option(options.max_frames >= 0,
               fmt::format("max_frames: expected 0 (no limit) or more, found {}", options.max_frames));
}

}  // namespace

class LiveStreams::Impl {
 public:
  Impl(std::shared_ptr<ModelSlot> model, std::vector<std::unique_ptr<pipeline::ResultSink>> sinks,
       const LiveOptions& options)
      : options_(options),
        clock_(options.clock == nullptr ? system_clock() : *options.clock),
        model_(std::move(model)),
        messages_(std::make_shared<Messages>(options.on_message)),
        scheduler_(std::make_shared<Scheduler>(
            clock_, SchedulerOptions{.workers = options.workers, .frame_threads = options.frame_threads})) {
    limit_library_threads(read_options_);
    try {
      start(std::move(sinks));
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  size_t add(StreamOptions stream) {
    check(stream);
    const std::scoped_lock lock(mutex_);
    if (scheduler_->streams() >= options_.max_streams) {
      throw TooManyStreams(fmt::format(
          "stream \"{}\": there are {} already, which is as many as this run may have; remove one that is not "
          "needed, or begin with a greater limit (--max-streams)",
          stream.name, counted(static_cast<int64_t>(options_.max_streams), "stream")));
    }
    ReconnectOptions source = source_of(stream);
    const std::shared_ptr<Lane> lane =
        scheduler_->add(std::move(stream), options_.make_filter ? options_.make_filter() : nullptr);
    try {
      captures_.push_back({std::make_unique<Capture>(scheduler_, lane, messages_, std::move(source)), {}});
    } catch (...) {
      scheduler_->leave_source(*lane);
      scheduler_->remove(lane->options.name);
      throw;
    }
    return lane->stream;
  }

  bool remove(const std::string& name) {
    const std::shared_ptr<Lane> lane = scheduler_->remove(name);
    if (!lane) return false;
    const std::scoped_lock lock(mutex_);
    for (Reading& reading : captures_) {
      if (reading.capture->lane() != lane) continue;
      reading.stopped_at = clock_.now();
      reading.capture->stop();
    }
    return true;
  }

  std::vector<StreamSnapshot> snapshot() const { return scheduler_->snapshot(); }
  StreamCounts total() const { return scheduler_->total(); }

  std::vector<cv::Mat> recent_frames() const { return scheduler_->recent_frames(); }

  std::vector<SinkSnapshot> sinks() const {
    std::vector<SinkSnapshot> all;
    for (const auto& sink : sinks_) all.push_back(sink->snapshot());
    return all;
  }

  bool done() const {
    return scheduler_->idle() && std::ranges::all_of(sinks_, [](const auto& sink) { return sink->idle(); });
  }

  void stop() {
    const std::scoped_lock stop_lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
    scheduler_->stop();
    for (const auto& sink : sinks_) sink->hurry();
    {
      const std::scoped_lock lock(mutex_);
      watching_ = false;
      watch_changed_.notify_all();
      for (const Reading& reading : captures_) reading.capture->stop();
    }
    if (watch_.joinable()) watch_.join();
    leave_sources();
    if (dispatcher_) dispatcher_->join();
    for (const auto& sink : sinks_) sink->close();  // all at once
    for (const auto& sink : sinks_) sink->finish();
    messages_->close();
  }

 private:
  struct Reading {
    std::unique_ptr<Capture> capture;
    std::optional<Clock::TimePoint> stopped_at;  ///< by remove()
  };

  void start(std::vector<std::unique_ptr<pipeline::ResultSink>> sinks) {
    for (auto& sink : sinks) {
      const size_t number = sinks_.size();
      sinks_.push_back(std::make_unique<SinkRunner>(std::move(sink), number, clock_, messages_));
    }
    WorkPlace place{.clock = clock_,
                    .scheduler = *scheduler_,
                    .model = *model_,
                    .outlets = {},
                    .messages = *messages_,
                    .draw = [](auto& item) { pipeline::draw_result(item.frame.image, item.result); }};
    for (const auto& sink : sinks_) place.outlets.push_back(sink.get());
    dispatcher_ = std::make_unique<Dispatcher>(std::move(place), Crew{.workers = options_.workers});
    watch_ = start_thread("zoo-watch", [this] { watch(); });
  }

  ReconnectOptions source_of(const StreamOptions& stream) const {
    pipeline::ReadOptions read = read_options_;
    read.open_timeout = stream.open_timeout;
    read.stall_timeout = stream.stall_timeout;
    ReconnectOptions source;
    source.open = [open = options_.open, stream, read](const std::atomic<bool>& stop) mutable {
      read.stop = &stop;
      return open ? open(stream, read) : pipeline::open_source(stream.spec, read);
    };
    source.info = {.kind = stream.spec.kind,
                   .name = pipeline::name_of(stream.spec),
                   .stem = pipeline::stem_of(stream.spec),
                   .stream_name = stream.name};
    source.reconnects = stream.reconnects && can_come_back(stream.spec);
    if (!options_.open) source.probe = make_source_probe(stream.spec);
    source.backoff.seed = std::hash<std::string>{}(stream.name);
    source.clock = &clock_;
    return source;
  }

  void watch() {
    std::unique_lock lock(mutex_);
    while (!clock_.wait_until(lock, watch_changed_, clock_.now() + kWatchInterval, [this] { return !watching_; })) {
      leave_removed();
      lock.unlock();
      for (const std::string& message : scheduler_->watch()) messages_->say(message);
      lock.lock();
    }
  }

  /// Lets go of threads that have ended, and of sources that were removed and do not end.
  void leave_removed() {
    std::erase_if(captures_, [&](const Reading& reading) {
      return reading.capture->ended() || (reading.stopped_at && clock_.now() - *reading.stopped_at > kLeaveGrace);
    });
  }

  /// By the machine's clock, whatever the run's is: what hangs does so in the machine's time.
  void leave_sources() {
    const auto deadline = std::chrono::steady_clock::now() + kLeaveGrace;
    const std::scoped_lock lock(mutex_);
    for (const Reading& reading : captures_) reading.capture->ends_until(deadline);
    captures_.clear();
  }

  const LiveOptions options_;
  Clock& clock_;
  const std::shared_ptr<ModelSlot> model_;
  const std::shared_ptr<Messages> messages_;
  const std::shared_ptr<Scheduler> scheduler_;
  pipeline::ReadOptions read_options_;
  std::vector<std::unique_ptr<SinkRunner>> sinks_;
  std::unique_ptr<Dispatcher> dispatcher_;

  std::mutex mutex_;
  std::condition_variable watch_changed_;
  std::list<Reading> captures_;  ///< guarded by mutex_
  bool watching_ = true;         ///< guarded by mutex_
  std::jthread watch_;

  std::mutex stop_mutex_;
  bool stopped_ = false;  ///< guarded by stop_mutex_
};

LiveStreams::LiveStreams(std::shared_ptr<ModelSlot> model, std::vector<std::unique_ptr<pipeline::ResultSink>> sinks,
                         const LiveOptions& options) {
  check(options);
  impl_ = std::make_unique<Impl>(std::move(model), std::move(sinks), options);
}
LiveStreams::~LiveStreams() = default;

size_t LiveStreams::add(StreamOptions options) { return impl_->add(std::move(options)); }
bool LiveStreams::remove(const std::string& name) { return impl_->remove(name); }
std::vector<StreamSnapshot> LiveStreams::snapshot() const { return impl_->snapshot(); }
StreamCounts LiveStreams::total() const { return impl_->total(); }
std::vector<cv::Mat> LiveStreams::recent_frames() const { return impl_->recent_frames(); }
std::vector<SinkSnapshot> LiveStreams::sinks() const { return impl_->sinks(); }
bool LiveStreams::done() const { return impl_->done(); }
void LiveStreams::stop() { impl_->stop(); }

}  // namespace zoo::streams
