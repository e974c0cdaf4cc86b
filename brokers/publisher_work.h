// What a Publisher's thread and those who send share. Internal to brokers/.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "brokers/kept_messages.h"
#include "brokers/poison_guard.h"
#include "brokers/publisher.h"
#include "nn/core/backoff.h"

namespace zoo::brokers {

/// What the thread and those who send share.
class Publisher::Work {
 public:
  Work(std::unique_ptr<Link> link, const PublisherOptions& options);

  void run();
  void send(Message message);
  void keep(Message message);
  void forget(const std::string& place);
  PublisherState state() const;
  bool idle() const;
  /// False if the thread hangs.
  bool stop(std::vector<Message> farewell);

 private:
  /// Messages that are on their way at a time: the broker's answer is awaited for all of them at once.
  static constexpr size_t kMaxBatch = 64;

  using Lock = std::unique_lock<std::mutex>;

  void connect();
  bool serve();
  std::vector<Message> take_batch();
  void deliver_waiting(std::vector<Message> batch);
  void deliver_kept();
  void note_delivered();
  void note_sent(const std::vector<Message>& batch);
  bool note_loss();
  void note_loss_of_one();
  void say_given_up(const std::string& place, size_t bytes);
  void lose(const std::string& why, bool transient);
  void wait_to_reconnect(Clock::Duration time);
  void end();
  bool has_room(size_t bytes) const;
  void wait_for_room(Lock& lock, size_t bytes);
  void drop_oldest();
  void drop_all();
  bool stopped() const {
    const std::scoped_lock lock(mutex_);
    return stopping_ && !state_.connected;
  }
  void say(const std::string& text);

  const std::unique_ptr<Link> link_;  ///< of the thread
  const PublisherOptions options_;
  Clock& clock_;  ///< gone once the thread was left behind
  Wakeup wakeup_;

  std::mutex listening_;
  std::function<void(const std::string&)> listener_;  ///< guarded by listening_

  // Of the thread.
  Backoff unreachable_;
  Backoff refusing_;
  size_t batch_limit_ = kMaxBatch;  ///< one after a loss, to find out whether it is one message that breaks connections
  int losses_ = 0;                  ///< in a row, while one message was on its way
  bool was_connected_ = false;
  std::optional<Clock::TimePoint> connected_at_;
  std::optional<Clock::TimePoint> away_since_;
  int64_t dropped_before_ = 0;  ///< when the connection was lost

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Message> waiting_;
  size_t waiting_bytes_ = 0;  ///< of these and of those on their way
  size_t on_their_way_ = 0;
  KeptMessages kept_;
  PoisonGuard guard_{kTries};
  std::vector<Message> farewell_;
  int64_t owed_ = 0;  ///< messages that were sent here and
  int64_t owed_delivered_ = 0;
  PublisherState state_;
  bool idles_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  bool deserted_ = false;  ///< the thread hangs, and is not waited for
};

}  // namespace zoo::brokers
