// A connection to a broker, as a Publisher uses it.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "brokers/broker_error.h"
#include "brokers/message.h"
#include "brokers/wakeup.h"

namespace zoo::brokers {

/// One thread at a time. After a BrokerError it is not connected. Who waits, waits for the wakeup, too, clears it and
/// looks at its deadline anew; at the deadline connect() and deliver() throw a BrokerError that is transient().
class Link {
 public:
  virtual ~Link() = default;

  /// "mqtt://user:***@host:1883": what messages name.
  virtual std::string name() const = 0;
  /// Throws BrokerError.
  virtual void connect(const Wakeup& wakeup) = 0;
  /// Sends these and waits until the broker has them. `delivered`: how many of the first ones it has, also where this
  /// throws BrokerError; of the others it may have some.
  virtual void deliver(std::span<const Message> messages, const Wakeup& wakeup, size_t& delivered) = 0;
  /// Nothing is to be sent: keeps the connection alive and notices its end, for so long or until it is woken. Throws
  /// BrokerError.
  virtual void idle(std::chrono::milliseconds time, const Wakeup& wakeup) = 0;
  /// Says goodbye, if it is connected. Never throws.
  virtual void close() = 0;
};

}  // namespace zoo::brokers
