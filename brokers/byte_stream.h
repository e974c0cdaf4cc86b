// Bytes to and from a server, with and without TLS. Internal to the module of brokers/.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "brokers/redis_address.h"
#include "brokers/redis_client.h"

namespace zoo::brokers {

/// When a wait is over: at a time, or before it, where its owner must end.
class Deadline {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// `must_end`: RedisOptions::must_end, which outlives this.
  Deadline(std::chrono::milliseconds timeout, const std::function<Time()>& must_end)
      : Deadline(std::chrono::steady_clock::now(), timeout, must_end ? &must_end : nullptr) {}
  /// Of `parts` equal parts of what is left the first.
  Deadline part(int parts) const {
    const Time now = std::chrono::steady_clock::now();
    return {now, (time() - now) / parts, must_end_};
  }
  Time time() const { return must_end_ == nullptr ? end_ : std::min(end_, std::max(least_, (*must_end_)())); }
  bool may_come_earlier() const { return must_end_ != nullptr; }

 private:
  /// What begins when its owner has no time left has a moment all the same.
  static constexpr std::chrono::milliseconds kLeast{1'000};
  Deadline(Time now, Time::duration timeout, const std::function<Time()>* must_end)
      : end_(now + timeout), least_(now + kLeast), must_end_(must_end) {}

  Time end_;
  Time least_;
  const std::function<Time()>* must_end_;
};

/// What the last read_some or write_some would have waited for; poll's events.
enum class Wants { kRead, kWrite };

/// A connected stream that never blocks. One thread at a time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Takes what is there, at most `bytes`; 0: nothing now. Throws BrokerError where the server has closed or reset.
  virtual size_t read_some(std::span<char> bytes) = 0;
  /// Gives as much as goes; 0: nothing now. Throws BrokerError.
  virtual size_t write_some(std::string_view bytes) = 0;
  /// What an answer of 0 waits for.
  virtual Wants wants() const = 0;
  virtual int descriptor() const = 0;
};

/// Waits until something has arrived (`reads`) or may be sent (`writes`). Throws BrokerError at the deadline, with the
/// complaint as its text.
void wait_for(const ByteStream& stream, bool reads, bool writes, const Deadline& deadline,
              const std::string& complaint);

/// A TCP connection; each address of the server's name is tried. Throws BrokerError.
std::unique_ptr<ByteStream> connect_tcp(const RedisAddress& address, const Deadline& deadline);

/// TLS over a connected stream: the certificate is checked, its name too. Throws BrokerError.
std::unique_ptr<ByteStream> start_tls(std::unique_ptr<ByteStream> plain, const RedisAddress& address,
                                      const RedisOptions& options, const Deadline& deadline);

}  // namespace zoo::brokers
