#include "streams/live_streams.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/start_thread.h"
#include "pipeline/tasks/frame_errors.h"
#include "pipeline/tasks/opencv_threads.h"

namespace zoo::streams {

class LiveStreams::Impl {
 public:
  Impl(std::shared_ptr<ModelSlot> model, std::vector<std::unique_ptr<pipeline::ResultSink>> sinks, LiveOptions options)
      : model_(std::move(model)), sinks_(std::move(sinks)), options_(std::move(options)) {
    pipeline::limit_opencv_threads();
  }
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  size_t add(StreamOptions options) {
    const std::scoped_lock lock(mutex_);
    for (const auto& stream : streams_) {
      if (!stream->removed && stream->snapshot.name == options.name) {
        throw Error(fmt::format("stream \"{}\": there is one of that name; give this one another", options.name));
      }
    }
    const auto stream = std::make_shared<Stream>();
    stream->options = std::move(options);
    stream->snapshot.stream = streams_.size();
    stream->snapshot.name = stream->options.name;
    stream->snapshot.source = pipeline::name_of(stream->options.spec);
    stream->snapshot.policy = to_string(stream->options.policy);
    streams_.push_back(stream);
    stream->thread = start_thread([this, s = stream.get()] { run(*s); });
    return stream->snapshot.stream;
  }

  bool remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    for (const auto& stream : streams_) {
      if (stream->removed || stream->snapshot.name != name) continue;
      stream->removed = stream->stop = true;
      return true;
    }
    return false;
  }

  std::vector<StreamSnapshot> snapshot() const {
    const std::scoped_lock lock(mutex_);
    std::vector<StreamSnapshot> all;
    for (const auto& stream : streams_) {
      if (!stream->removed) all.push_back(stream->snapshot);
    }
    return all;
  }

  StreamCounts total() const {
    const std::scoped_lock lock(mutex_);
    StreamCounts sum;
    for (const auto& stream : streams_) sum += stream->snapshot.counts;
    return sum;
  }

  bool done() const {
    const std::scoped_lock lock(mutex_);
    for (const auto& stream : streams_) {
      const StreamState state = stream->snapshot.state;
      if (state != StreamState::kEnded && state != StreamState::kFailed) return false;
    }
    return true;
  }

  void stop() {
    for (const auto& stream : streams_) {
      stream->stop = true;
      if (stream->thread.joinable()) stream->thread.join();
    }
    if (finished_.exchange(true)) return;
    for (const auto& sink : sinks_) sink->finish();
  }

 private:
  struct Stream {
    StreamOptions options;
    StreamSnapshot snapshot;
    bool removed = false;
    std::atomic<bool> stop = false;
    std::jthread thread;
  };

  void run(Stream& stream) {
    try {
      pipeline::ReadOptions read;
      read.stop = &stream.stop;
      read.open_timeout = stream.options.open_timeout;
      read.stall_timeout = stream.options.stall_timeout;
      const auto source =
          options_.open ? options_.open(stream.options, read) : pipeline::open_source(stream.options.spec, read);
      set_state(stream, StreamState::kRunning, "");
      for (const auto& sink : sinks_) sink->begin(stream.snapshot.stream, source->info());
      while (!stream.stop) {
        std::optional<pipeline::FrameResult> result = source->next();
        if (!result) break;
        answer(stream, std::move(*result));
      }
      set_state(stream, StreamState::kEnded, "");
    } catch (const Error& error) {
      set_state(stream, StreamState::kFailed, error.what());
      if (options_.on_message) options_.on_message(error.what());
    }
  }

  void answer(Stream& stream, pipeline::FrameResult result) {
    const std::scoped_lock lock(mutex_);
    StreamCounts& counts = stream.snapshot.counts;
    ++counts.captured;
    pipeline::FrameEvent event;
    if (auto* frame = std::get_if<pipeline::Frame>(&result)) {
      frame->stream = stream.snapshot.stream;
      const std::shared_ptr<const ServedModel> model = model_->current();
      pipeline::ProcessedFrame item{.frame = std::move(*frame), .result = {}};
      item.result = model->predict(item.frame.image);
      item.model_version = model->version;
      event = std::move(item);
      ++counts.ok;
    } else {
      event = std::get<pipeline::FrameFailure>(std::move(result));
      ++counts.failed;
    }
    for (const auto& sink : sinks_) sink->write(event);
  }

  void set_state(Stream& stream, StreamState state, std::string message) {
    const std::scoped_lock lock(mutex_);
    stream.snapshot.state = state;
    stream.snapshot.message = std::move(message);
  }

  const std::shared_ptr<ModelSlot> model_;
  const std::vector<std::unique_ptr<pipeline::ResultSink>> sinks_;
  const LiveOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::atomic<bool> finished_ = false;
};

LiveStreams::LiveStreams(std::shared_ptr<ModelSlot> model, std::vector<std::unique_ptr<pipeline::ResultSink>> sinks,
                         const LiveOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), std::move(sinks), options)) {}
LiveStreams::~LiveStreams() = default;

size_t LiveStreams::add(StreamOptions options) { return impl_->add(std::move(options)); }
bool LiveStreams::remove(const std::string& name) { return impl_->remove(name); }
std::vector<StreamSnapshot> LiveStreams::snapshot() const { return impl_->snapshot(); }
StreamCounts LiveStreams::total() const { return impl_->total(); }
bool LiveStreams::done() const { return impl_->done(); }
void LiveStreams::stop() { impl_->stop(); }

}  // namespace zoo::streams
