// What goes wrong between us and a broker.
#pragma once

#include <string>

#include "nn/core/error.h"

namespace zoo::brokers {

/// Names the broker (`redis://host:6379: problem`), says why and what helps. Passwords are `***`.
class BrokerError : public Error {
 public:
  BrokerError(const std::string& what, bool transient) : Error(what), transient_(transient) {}
  /// The same may succeed later, as it stands: the broker is away, hangs, is loading, is full. What is not transient
  /// (a wrong password, a key of another kind, an address without a server's name) needs a person.
  bool transient() const { return transient_; }

 private:
  bool transient_;
};

/// An answer is larger than whoever asked takes. It is not listened to further: the connection is gone.
class ReplyTooLarge : public BrokerError {
 public:
  explicit ReplyTooLarge(const std::string& what) : BrokerError(what, true) {}
};

}  // namespace zoo::brokers
