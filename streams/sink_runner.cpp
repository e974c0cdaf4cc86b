#include "streams/sink_runner.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/start_thread.h"

namespace zoo::streams {

/// What the thread and those who write share.
class SinkRunner::Work {
 public:
  using Event = std::shared_ptr<const pipeline::FrameEvent>;
  struct Begin {
    size_t stream = 0;
    pipeline::SourceInfo source;
  };
  struct End {
    size_t stream = 0;
    pipeline::SourceStats stats;
  };
  struct Finish {};
  using Item = std::variant<Begin, Event, End, Finish>;

  Work(std::unique_ptr<pipeline::ResultSink> sink, Clock& clock, std::shared_ptr<Messages> messages)
      : sink_(std::move(sink)),
        wants_drawing_(sink_->wants_drawing()),
        wants_plain_(sink_->wants_plain()),
        waits_(sink_->when_slow() == pipeline::ResultSink::WhenSlow::kWait),
        limit_(sink_->time_limit()),
        clock_(clock),
        messages_(std::move(messages)) {
    state_.name = sink_->name();
  }

  bool wants_drawing() const { return wants_drawing_ && works(); }
  bool wants_plain() const { return wants_plain_ && works(); }
  void prepare(pipeline::ProcessedFrame& item);
  void put(Item item);
  void run();
  void hurry();
  /// False if the thread hangs.
  bool finish();
  void close();
  bool idle() const;
  SinkSnapshot snapshot() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// A moment of the run, and of the machine, whose time is not the run's in tests.
  struct Moment {
    Clock::TimePoint of_run;
    std::chrono::steady_clock::time_point of_machine;
  };
  /// A call of the sink.
  struct Busy {
    Moment since;
    bool writes = false;  ///< an event
    bool completes = false;
  };

  bool wait_for_room(Lock& lock);
  Item next();
  void pass_on(const Item& item);
  void tell_saved();
  void fail(const std::string& why);
  void end(const std::string& why);
  std::string desert(Clock::Duration time);
  Moment now() const { return {clock_.now(), std::chrono::steady_clock::now()}; }
  template <typename TimePoint>
  TimePoint deadline_of(const Busy& call, TimePoint Moment::*moment) const;
  bool has_room() const { return events_ < kWaitingEvents || !state_.works; }
  bool works() const {
    const std::scoped_lock lock(mutex_);
    return state_.works;
  }
  void drop_oldest();

  const std::unique_ptr<pipeline::ResultSink> sink_;
  const bool wants_drawing_;
  const bool wants_plain_;
  const bool waits_;
  const Clock::Duration limit_;
  Clock& clock_;  ///< gone once the thread was left behind
  const std::shared_ptr<Messages> messages_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  size_t events_ = 0;         ///< among them
  std::optional<Busy> busy_;  ///< while the sink is called
  std::optional<Moment> hurries_since_;
  bool finishing_ = false;
  bool deserted_ = false;  ///< the thread hangs, and is not waited for
  bool ended_ = false;     ///< the thread
  SinkSnapshot state_;
};

void SinkRunner::Work::prepare(pipeline::ProcessedFrame& item) {
  if (!works()) return;
  try {
    sink_->prepare(item);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void SinkRunner::Work::put(Item item) {
  Lock lock(mutex_);
  const bool is_event = std::holds_alternative<Event>(item);
  std::string problem;
  if (is_event && !has_room()) {
    if (!waits_) {
      drop_oldest();
    } else if (!wait_for_room(lock)) {
      problem = desert(clock_.now() - busy_->since.of_run);
    }
  }
  if (!state_.works) {
    if (is_event) ++state_.dropped;
  } else {
    if (is_event) ++events_;
    items_.push_back(std::move(item));
    changed_.notify_all();
  }
  lock.unlock();
  if (!problem.empty())
    messages_->say(fmt::format("{}; nothing more is written there, everything else goes on", problem));
}

/// When it hangs.
template <typename TimePoint>
TimePoint SinkRunner::Work::deadline_of(const Busy& call, TimePoint Moment::*moment) const {
  const TimePoint deadline = call.since.*moment + limit_;
  if (!hurries_since_ || call.completes) return deadline;
  return std::min(deadline, std::max(call.since.*moment, (*hurries_since_).*moment) + kStopGrace);
}

bool SinkRunner::Work::idle() const {
  {
    const std::scoped_lock lock(mutex_);
    if (deserted_) return items_.empty();
    if (!items_.empty() || busy_) return false;
  }
  const std::optional<pipeline::Delivery> delivery = sink_->delivery();
  return !delivery || delivery->waiting == 0 || delivery->away;
}

SinkSnapshot SinkRunner::Work::snapshot() const {
  std::optional<pipeline::Delivery> delivery = sink_->delivery();
  const std::scoped_lock lock(mutex_);
  SinkSnapshot state = state_;
  state.delivery = std::move(delivery);
  return state;
}

/// False if a call of the sink takes too long.
bool SinkRunner::Work::wait_for_room(Lock& lock) {
  while (true) {
    const Clock::TimePoint deadline = busy_ ? deadline_of(*busy_, &Moment::of_run) : clock_.now() + limit_;
    const bool hurries = hurries_since_.has_value();
    clock_.wait_until(lock, changed_, deadline, [&] { return has_room() || hurries_since_.has_value() != hurries; });
    if (has_room()) return true;
    if (busy_ && clock_.now() >= deadline_of(*busy_, &Moment::of_run)) return false;
    lock.unlock();  // another call has begun, or there is less time for this one
    std::this_thread::yield();
    lock.lock();
  }
}

/// What begins and ends a stream stays.
void SinkRunner::Work::drop_oldest() {
  const auto oldest =
      std::ranges::find_if(items_, [](const Item& item) { return std::holds_alternative<Event>(item); });
  items_.erase(oldest);
  --events_;
  ++state_.dropped;
}

void SinkRunner::Work::run() {
  while (true) {
    const Item item = next();
    try {
      pass_on(item);
    } catch (const std::exception& error) {
      fail(error.what());
    }
    const std::scoped_lock lock(mutex_);
    busy_.reset();
    const bool is_last = deserted_ || std::holds_alternative<Finish>(item);
    if (std::holds_alternative<Event>(item) && !deserted_) ++(state_.works ? state_.written : state_.dropped);
    ended_ = is_last;
    changed_.notify_all();
    if (is_last) return;
  }
}

SinkRunner::Work::Item SinkRunner::Work::next() {
  Lock lock(mutex_);
  clock_.wait_until(lock, changed_, Clock::TimePoint::max(), [this] { return !items_.empty() || finishing_; });
  Item item = Finish{};
  if (!items_.empty()) {
    item = std::move(items_.front());
    items_.pop_front();
  }
  if (std::holds_alternative<Event>(item)) --events_;
  busy_ = {.since = now(),
           .writes = std::holds_alternative<Event>(item),
           .completes = std::holds_alternative<End>(item) || std::holds_alternative<Finish>(item)};
  changed_.notify_all();
  return item;
}

void SinkRunner::Work::pass_on(const Item& item) {
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

void SinkRunner::Work::tell_saved() {
  for (const std::string& what : sink_->saved()) messages_->say(fmt::format("saved {}", what));
}

void SinkRunner::Work::fail(const std::string& why) {
  {
    const std::scoped_lock lock(mutex_);
    if (!state_.works) return;
    end(why);
  }
  messages_->say(fmt::format("{}; nothing more is written there, everything else goes on", why));
}

/// With the lock held.
void SinkRunner::Work::end(const std::string& why) {
  state_.works = false;
  state_.message = why;
  state_.dropped += static_cast<int64_t>(events_);
  events_ = 0;
  items_.clear();
  changed_.notify_all();
}

/// With the lock held, while the sink has been called for so long. Yields what is to be said.
std::string SinkRunner::Work::desert(Clock::Duration time) {
  deserted_ = true;
  if (busy_->writes) ++state_.dropped;
  const std::string problem = fmt::format(
      "{}: hangs: nothing could be written for {:.3g} s (a full pipe that nobody reads, or a drive that is away?)",
      state_.name, std::chrono::duration<double>(time).count());
  if (state_.works) end(problem);
  return problem;
}

void SinkRunner::Work::hurry() {
  const std::scoped_lock lock(mutex_);
  if (!hurries_since_) hurries_since_ = now();
  changed_.notify_all();
}

void SinkRunner::Work::close() {
  hurry();
  const std::scoped_lock lock(mutex_);
  finishing_ = true;
  changed_.notify_all();
}

bool SinkRunner::Work::finish() {
  close();
  Lock lock(mutex_);
  // By the machine's clock, whatever the run's is: what hangs does so in the machine's time.
  while (!ended_ && !deserted_) {
    const auto now = std::chrono::steady_clock::now();
    auto deadline = busy_ ? deadline_of(*busy_, &Moment::of_machine) : now + limit_;
    if (busy_ && busy_->completes) deadline = busy_->since.of_machine + kLimitsToComplete * limit_;
    if (busy_ && now >= deadline) {
      const std::string problem = desert(now - busy_->since.of_machine);
      lock.unlock();
      messages_->say(fmt::format(
          "{}; what was not written is lost, and a file that was not completed keeps its hidden name (.zoo-*)",
          problem));
      return false;
    }
    changed_.wait_until(lock, deadline);
  }
  return !deserted_ || ended_;
}

SinkRunner::SinkRunner(std::unique_ptr<pipeline::ResultSink> sink, size_t number, Clock& clock,
                       std::shared_ptr<Messages> messages)
    : work_(std::make_shared<Work>(std::move(sink), clock, std::move(messages))) {
  thread_ = start_thread(fmt::format("zoo-sink{}", number), [work = work_, running = running_]() mutable {
    work->run();
    work.reset();
    running->end();
  });
}

SinkRunner::~SinkRunner() { finish(); }

bool SinkRunner::wants_drawing() const { return work_->wants_drawing(); }
bool SinkRunner::wants_plain() const { return work_->wants_plain(); }
void SinkRunner::prepare(pipeline::ProcessedFrame& item) { work_->prepare(item); }
void SinkRunner::begin(size_t stream, const pipeline::SourceInfo& source) { work_->put(Work::Begin{stream, source}); }
void SinkRunner::write(std::shared_ptr<const pipeline::FrameEvent> event) { work_->put(std::move(event)); }
void SinkRunner::end(size_t stream, const pipeline::SourceStats& stats) { work_->put(Work::End{stream, stats}); }

void SinkRunner::hurry() { work_->hurry(); }

void SinkRunner::close() { work_->close(); }

void SinkRunner::finish() {
  if (!thread_.joinable()) return;
  if (work_->finish()) {
    thread_.join();
    return;
  }
  running_->abandon();
  thread_.detach();
}

bool SinkRunner::idle() const { return work_->idle(); }
SinkSnapshot SinkRunner::snapshot() const { return work_->snapshot(); }

}  // namespace zoo::streams
