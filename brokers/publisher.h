// Sends messages to a broker that comes and goes, from a thread of its own: who has something to send never waits.
//
// While the broker is away, what is sent waits in a bounded buffer, whose oldest messages make room for new ones. A
// broker that cannot be reached is tried at once, then every half second, so that it is back within a second of its
// return; one that answers and refuses (a wrong password), at once, then after half a second, doubling to half a
// minute. Messages that were on their way when the connection broke are sent again: at least once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "brokers/link.h"
#include "brokers/message.h"
#include "nn/core/clock.h"
#include "nn/core/left_threads.h"

namespace zoo::brokers {

struct PublisherOptions {
  size_t max_messages = 1000;            ///< that wait; at least 1
  size_t max_bytes = size_t{64} << 20U;  ///< of them, and again of what is kept and does not last; one at least waits
  Clock* clock = nullptr;                ///< of the waits between two tries; null: system_clock()
  uint64_t seed = 0;                     ///< of the chance in these waits
  std::function<void(const std::string&)> on_message = {};  ///< what a user should know: away, why, back. One at a time
  /// Whether send() may wait for room just now; asked again while it does. Empty: it may.
  std::function<bool()> may_wait = {};
};

/// What has become of the messages of send(): at every moment sent = delivered + dropped + waiting.
struct PublisherState {
  int64_t sent = 0;
  int64_t delivered = 0;  ///< the broker has them
  int64_t dropped = 0;    ///< for room, for being refused thrice, for the end of the run
  int64_t waiting = 0;    ///< or on their way
  bool connected = false;
  bool away = false;         ///< the last try has failed, or the connection was lost
  int64_t reconnects = 0;    ///< connections after the first
  std::string message = {};  ///< why it is away; empty while it is not
  int64_t lost = 0;          ///< of `dropped`, what was owed (Message::owed)
  bool ended = false;        ///< stop() is done
};

class Publisher {
 public:
  /// How long stop() lets what waits go out, and how much longer it waits for a thread that hangs.
  static constexpr std::chrono::milliseconds kDrain{600};
  static constexpr std::chrono::milliseconds kGrace{200};
  /// How long what is owed waits for room.
  static constexpr std::chrono::milliseconds kRoomPatience{10'000};
  /// A message that was on its way at so many losses of a connection in a row is what breaks them.
  static constexpr int kTries = 3;

  /// Begins to connect. Throws EngineError, IoError where the system has no thread or descriptor.
  Publisher(std::unique_ptr<Link> link, const PublisherOptions& options);
  /// stop().
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Thread-safe, as all below; never waits, but for room for what is owed, while the broker is not away. After stop()
  /// messages are dropped.
  void send(Message message);
  /// What holds until the next one of its place: the newest of each is sent, and sent again after each connect, before
  /// what waits, so that a broker that has forgotten everything knows; what is kept later takes turns with what waits.
  /// Of what is in turn (Message::in_turn) those before it are sent, too, KeptMessages::kMostInTurn of a place at most.
  /// Of what does not last (Message::lasts) the oldest make room. What breaks connections is dropped, and for ten
  /// minutes what is kept at that place and is not smaller. Not counted.
  void keep(Message message);
  /// Nothing of this place is kept any more.
  void forget(const std::string& place);

  PublisherState state() const;
  /// Whether the broker has everything, or is away.
  bool idle() const;

  /// Sends what waits as far as kDrain goes, then `farewell`, says goodbye and ends the thread; all else is dropped. At
  /// once where the broker is away. A thread that hangs is left behind (nn/core/left_threads.h). Once.
  void stop(std::vector<Message> farewell = {});

 private:
  class Work;

  const std::shared_ptr<Work> work_;  ///< outlives a thread that hangs
  const std::shared_ptr<Abandonable> running_ = std::make_shared<Abandonable>();
  std::jthread thread_;
};

}  // namespace zoo::brokers
