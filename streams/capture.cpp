#include "streams/capture.h"

#include <exception>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "nn/core/start_thread.h"

namespace zoo::streams {

Capture::Capture(std::shared_ptr<Scheduler> scheduler, std::shared_ptr<Lane> lane, std::shared_ptr<Messages> messages,
                 ReconnectOptions options)
    : lane_(std::move(lane)), shared_(std::make_shared<Shared>(std::move(scheduler), lane_, std::move(messages))) {
  start([options = std::move(options)](Shared& shared) mutable { run(shared, std::move(options)); });
}

Capture::Capture(std::shared_ptr<Scheduler> scheduler, std::shared_ptr<Lane> lane, std::shared_ptr<Messages> messages,
                 std::shared_ptr<pipeline::FrameSource> source, const std::atomic<bool>* stop)
    : lane_(std::move(lane)), shared_(std::make_shared<Shared>(std::move(scheduler), lane_, std::move(messages))) {
  shared_->stop = stop;
  shared_->scheduler->note_status(*lane_, {.state = StreamState::kRunning}, source->info());
  start([source = std::move(source)](Shared& shared) mutable {
    run(shared, *source);
    source.reset();
  });
}

Capture::~Capture() { give_up(); }

void Capture::start(std::function<void(Shared&)> work) {
  thread_ =
      start_thread(fmt::format("zoo-capture{}", lane_->stream), [shared = shared_, work = std::move(work)]() mutable {
        work(*shared);
        work = nullptr;
        shared->scheduler->leave_source(*shared->lane);
        {
          const std::scoped_lock lock(shared->mutex);
          shared->ended = true;
          shared->changed.notify_all();
        }
        shared->thread.end();
      });
}

void Capture::run(Shared& shared, ReconnectOptions options) {
  const ReconnectingSource* opened = nullptr;
  options.on_status = [&](const SourceStatus& status) {
    shared.messages->say(shared.scheduler->note_status(*shared.lane, status, opened->info()));
  };
  auto source = std::make_unique<ReconnectingSource>(std::move(options));
  opened = source.get();
  shared.set_source(source.get());
  try {
    read(shared, [&] { return source->next(); });
  } catch (const std::exception& error) {
    const SourceStatus failed{
        .state = StreamState::kFailed, .cause = pipeline::LossCause::kOther, .message = error.what()};
    shared.messages->say(shared.scheduler->note_status(*shared.lane, failed, source->info()));
  }
  shared.set_source(nullptr);
  source.reset();  // may hang, too
}

void Capture::run(Shared& shared, pipeline::FrameSource& source) {
  const bool reads_here = shared.lane->options.policy.kind != FramePolicy::Kind::kBlock;
  try {
    const bool whole = read(shared, [&]() -> std::optional<Captured> {
      std::optional<pipeline::FrameSource::Pending> pending = source.next_pending();
      if (!pending) return std::nullopt;
      return reads_here ? Captured((*pending)()) : Captured(*std::move(pending));
    });
    if (whole) shared.scheduler->note_status(*shared.lane, {.state = StreamState::kEnded}, source.info());
  } catch (...) {
    const std::scoped_lock lock(shared.mutex);
    shared.error = std::current_exception();
  }
}

bool Capture::read(Shared& shared, const Next& next) {
  while (!shared.stops() && !shared.scheduler->has_enough(*shared.lane)) {
    std::optional<Captured> captured = next();
    if (!captured) return !shared.stops();
    const std::optional<std::string> message = shared.scheduler->put(*shared.lane, *std::move(captured));
    if (!message) return false;
    shared.messages->say(*message);
  }
  return false;
}

bool Capture::Shared::stops() {
  const std::scoped_lock lock(mutex);
  return stopping || (stop != nullptr && *stop);
}

std::exception_ptr Capture::error() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->error;
}

void Capture::Shared::set_source(ReconnectingSource* now) {
  const std::scoped_lock lock(mutex);
  source = now;
  if (source != nullptr && stopping) source->stop();
}

void Capture::stop() {
  const std::scoped_lock lock(shared_->mutex);
  shared_->stopping = true;
  if (shared_->source != nullptr) shared_->source->stop();
}

bool Capture::ended() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->ended;
}

bool Capture::ends_until(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_until(lock, deadline, [this] { return shared_->ended; });
}

void Capture::give_up() {
  if (!thread_.joinable()) return;
  if (ended()) {
    thread_.join();
    return;
  }
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->stop = nullptr;
  }
  shared_->thread.abandon();
  thread_.detach();
  shared_->scheduler->leave_source(*lane_);
}

}  // namespace zoo::streams
