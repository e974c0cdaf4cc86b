// Addresses of Redis: redis://[[USER][:PASSWORD]@]HOST[:PORT][/DATABASE][/KEY], rediss:// for TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zoo::brokers {

struct RedisAddress {
  bool tls = false;
  std::string host;  ///< a name or an IP address, IPv6 without its brackets
  uint16_t port = 6379;
  std::string user;      ///< of Redis' ACL; empty: its user `default`
  std::string password;  ///< empty: none is sent, for a user an empty one (`nopass`)
  int database = 0;
  std::string key;  ///< what stands after the server: the name of a stream; may be empty

  /// `redis://user:***@host:6379/2`, without the key: what messages and logs name.
  std::string server() const;
  /// The same with the key, where there is one.
  std::string shown() const;
};

/// Whether the text begins as such an address does (`redis://`, `rediss://`, in any case).
bool is_redis_address(std::string_view text);

/// Reads an address. A part of the path that is a number is the database only where a key follows, so
/// `redis://host/7` means the key `7` and `redis://host/7/jobs` the key `jobs` of database 7. User, password and key
/// are percent-decoded (`%2F` is a slash in a key, `%40` an at sign in a password). Throws Error, which says what is
/// wrong and how it is written.
RedisAddress parse_redis_address(std::string_view text);

}  // namespace zoo::brokers
