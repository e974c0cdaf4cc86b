// Bytes to and from a server, with and without TLS. Internal to the module of brokers/.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "brokers/redis_address.h"
#include "brokers/redis_client.h"

namespace zoo::brokers {

using Deadline = std::chrono::steady_clock::time_point;

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
void wait_for(const ByteStream& stream, bool reads, bool writes, Deadline deadline, const std::string& complaint);

/// A TCP connection; each address of the server's name is tried. Throws BrokerError.
std::unique_ptr<ByteStream> connect_tcp(const RedisAddress& address, Deadline deadline);

/// TLS over a connected stream: the certificate is checked, its name too. Throws BrokerError.
std::unique_ptr<ByteStream> start_tls(std::unique_ptr<ByteStream> plain, const RedisAddress& address,
                                      const RedisOptions& options, Deadline deadline);

}  // namespace zoo::brokers
