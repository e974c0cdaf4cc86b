// Where the server listens: `HOST:PORT`.
#pragma once

#include <string>
#include <string_view>

namespace zoo::serve {

struct ListenAddress {
  std::string host = "127.0.0.1";  ///< a name or a number; IPv6 without brackets
  int port = 8080;                 ///< 0: any that is free
};

/// "127.0.0.1:8080", "localhost:0", "[::1]:8080", "0.0.0.0:80". Throws Error saying what is wrong and how it is right.
ListenAddress listen_address_from(std::string_view text);
/// The same text; brackets around an IPv6 host.
std::string to_string(const ListenAddress& address);

/// A socket that listens. Movable, not thread-safe; closes itself.
class ListenSocket {
 public:
  /// Throws IoError saying why it cannot be and what to choose instead: taken, not allowed, not an address of this
  /// machine.
  explicit ListenSocket(const ListenAddress& address);
  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;
  ListenSocket& operator=(ListenSocket&&) = delete;

  /// Who takes it closes it.
  int release();
  int fd() const { return fd_; }
  /// With the port that was chosen where any would do.
  const ListenAddress& address() const { return address_; }
  /// Whether only programs of this machine get there.
  bool is_loopback() const { return loopback_; }

 private:
  int fd_ = -1;
  ListenAddress address_;
  bool loopback_ = false;
};

}  // namespace zoo::serve
