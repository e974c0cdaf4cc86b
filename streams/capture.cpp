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
  thread_ = start_thread(fmt::format("zoo-capture{}", lane_->stream),
                         [shared = shared_, options = std::move(options)]() mutable {
                           run(*shared, std::move(options));
                           shared->thread.end();
                         });
}

Capture::~Capture() { give_up(); }

void Capture::run(Shared& shared, ReconnectOptions options) {
  const ReconnectingSource* opened = nullptr;
  options.on_status = [&](const SourceStatus& status) {
    shared.messages->say(shared.scheduler->note_status(*shared.lane, status, opened->info()));
  };
  auto source = std::make_unique<ReconnectingSource>(std::move(options));
  opened = source.get();
  shared.set_source(source.get());
  try {
    read(shared, *source);
  } catch (const std::exception& error) {
    const SourceStatus failed{
        .state = StreamState::kFailed, .cause = pipeline::LossCause::kOther, .message = error.what()};
    shared.messages->say(shared.scheduler->note_status(*shared.lane, failed, source->info()));
  }
  shared.set_source(nullptr);
  source.reset();  // may hang, too
  shared.scheduler->leave_source(*shared.lane);
  const std::scoped_lock lock(shared.mutex);
  shared.ended = true;
  shared.changed.notify_all();
}

void Capture::read(const Shared& shared, ReconnectingSource& source) {
  while (!shared.scheduler->has_enough(*shared.lane)) {
    std::optional<pipeline::FrameResult> captured = source.next();
    if (!captured) return;
    const std::optional<std::string> message = shared.scheduler->put(*shared.lane, std::move(*captured));
    if (!message) return;
    shared.messages->say(*message);
  }
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
  shared_->thread.abandon();
  thread_.detach();
  shared_->scheduler->leave_source(*lane_);
}

}  // namespace zoo::streams
