#include "streams/sink_runner.h"

#include <algorithm>
#include <exception>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "nn/core/start_thread.h"

namespace zoo::streams {

SinkRunner::SinkRunner(std::unique_ptr<pipeline::ResultSink> sink, size_t number, Clock& clock,
                       std::shared_ptr<Messages> messages)
    : sink_(std::move(sink)),
      name_(sink_->name()),
      wants_drawing_(sink_->wants_drawing()),
      wants_plain_(sink_->wants_plain()),
      waits_(sink_->when_slow() == pipeline::ResultSink::WhenSlow::kWait),
      clock_(clock),
      messages_(std::move(messages)) {
  state_.name = name_;
  thread_ = start_thread(fmt::format("zoo-sink{}", number), [this] { run(); });
}

SinkRunner::~SinkRunner() { finish(); }

bool SinkRunner::wants_drawing() const { return wants_drawing_ && works(); }
bool SinkRunner::wants_plain() const { return wants_plain_ && works(); }

void SinkRunner::prepare(pipeline::ProcessedFrame& item) {
  if (!works()) return;
  try {
    sink_->prepare(item);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void SinkRunner::begin(size_t stream, const pipeline::SourceInfo& source) { put(Begin{stream, source}); }
void SinkRunner::write(Event event) { put(std::move(event)); }
void SinkRunner::end(size_t stream, const pipeline::SourceStats& stats) { put(End{stream, stats}); }

void SinkRunner::put(Item item) {
  std::unique_lock lock(mutex_);
  const bool is_event = std::holds_alternative<Event>(item);
  const auto has_room = [this] { return events_ < kWaitingEvents || !state_.works; };
  if (is_event && !has_room()) {
    if (waits_) {
      clock_.wait_until(lock, changed_, Clock::TimePoint::max(), has_room);
    } else {
      drop_oldest();
    }
  }
  if (!state_.works) {
    if (is_event) ++state_.dropped;
    return;
  }
  if (is_event) ++events_;
  items_.push_back(std::move(item));
  changed_.notify_all();
}

/// What begins and ends a stream stays.
void SinkRunner::drop_oldest() {
  const auto oldest =
      std::ranges::find_if(items_, [](const Item& item) { return std::holds_alternative<Event>(item); });
  items_.erase(oldest);
  --events_;
  ++state_.dropped;
}

void SinkRunner::run() {
  while (true) {
    const Item item = next();
    try {
      pass_on(item);
    } catch (const std::exception& error) {
      fail(error.what());
    }
    const std::scoped_lock lock(mutex_);
    busy_ = false;
    if (std::holds_alternative<Event>(item)) ++(state_.works ? state_.written : state_.dropped);
    changed_.notify_all();
    if (std::holds_alternative<Finish>(item)) return;
  }
}

SinkRunner::Item SinkRunner::next() {
  std::unique_lock lock(mutex_);
  clock_.wait_until(lock, changed_, Clock::TimePoint::max(), [this] { return !items_.empty() || finishing_; });
  if (items_.empty()) return Finish{};
  Item item = std::move(items_.front());
  items_.pop_front();
  if (std::holds_alternative<Event>(item)) --events_;
  busy_ = true;
  changed_.notify_all();
  return item;
}

void SinkRunner::pass_on(const Item& item) {
  if (!works()) return;
  std::visit(
      [this](const auto& told) {
        using Told = std::decay_t<decltype(told)>;
        if constexpr (std::is_same_v<Told, Begin>) {
          sink_->begin(told.stream, told.source);
        } else if constexpr (std::is_same_v<Told, Event>) {
          sink_->write(*told);
        } else if constexpr (std::is_same_v<Told, End>) {
          sink_->end(told.stream, told.stats);
          tell_saved();
        } else {
          sink_->finish();
          tell_saved();
        }
      },
      item);
}

void SinkRunner::tell_saved() {
  for (const std::string& what : sink_->saved()) messages_->say(fmt::format("saved {}", what));
}

void SinkRunner::fail(const std::string& why) {
  {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(state_.works, false)) return;
    state_.message = why;
    state_.dropped += static_cast<int64_t>(events_);
    events_ = 0;
    items_.clear();
    changed_.notify_all();
  }
  messages_->say(fmt::format("{}; nothing more is written there, everything else goes on", why));
}

bool SinkRunner::works() const {
  const std::scoped_lock lock(mutex_);
  return state_.works;
}

void SinkRunner::finish() {
  {
    const std::scoped_lock lock(mutex_);
    finishing_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool SinkRunner::idle() const {
  const std::scoped_lock lock(mutex_);
  return items_.empty() && !busy_;
}

SinkSnapshot SinkRunner::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

}  // namespace zoo::streams
