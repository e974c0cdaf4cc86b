// Finds messages that break connections although nobody acknowledges them: of quality of service 0 a broker that
// refuses one (too large) says nothing, but closes the connection a little later. Internal to brokers/.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "brokers/message.h"
#include "nn/core/clock.h"

namespace zoo::brokers {

/// Not thread-safe.
class PoisonGuard {
 public:
  /// A connection that lives for so long after a message has taken it.
  static constexpr std::chrono::seconds kConfirmed{2};
  /// For so long messages of a place that are not smaller than the one that was refused are dropped; then one is tried.
  static constexpr std::chrono::minutes kRefused{10};

  /// `tries`: losses of a connection in a row, each soon after a message of a place, after which it is refused.
  explicit PoisonGuard(int tries) : tries_(tries) {}

  bool refuses(const Message& message, Clock::TimePoint now) const;
  void refuse(const Message& message, Clock::TimePoint now);

  /// These go out.
  void note_sent(std::span<const Message> messages, Clock::TimePoint now);
  /// The broker has acknowledged these; so it has taken what went out before, which it reads in order.
  void note_acknowledged(std::span<const Message> messages);
  struct Loss {
    bool has_suspects = false;  ///< one of what is not acknowledged may be the reason, so what was on its way is not
    struct Refused {
      std::string place;
      size_t bytes = 0;
    };
    std::optional<Refused> refused;  ///< for the first time
  };
  /// The connection broke.
  Loss note_loss(Clock::TimePoint now);

 private:
  struct Sent {
    size_t bytes = 0;
    Clock::TimePoint at;
  };
  struct Refusal {
    size_t bytes = 0;  ///< and more
    Clock::TimePoint until;
  };

  void confirm(const std::string& place) { suspicions_.erase(place); }

  const int tries_;
  std::map<std::string, Sent> unconfirmed_;  ///< the newest of each place
  std::map<std::string, int> suspicions_;
  std::map<std::string, Refusal> refusals_;
};

}  // namespace zoo::brokers
