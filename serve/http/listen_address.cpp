#include "serve/http/listen_address.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::serve {
namespace {

constexpr int kMaxPort = 65'535;
constexpr int kBacklog = 511;

[[noreturn]] void fail_on(std::string_view text, std::string_view problem) {
  throw Error(
      fmt::format("--listen {}: {}; write HOST:PORT, e.g. 127.0.0.1:8080, [::1]:8080, or 127.0.0.1:0 for any "
                  "port that is free",
                  text, problem));
}

struct FreeList {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeList>;

AddressList look_up(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) {
    throw IoError(
        fmt::format("--listen {}: there is no host \"{}\" ({}); 127.0.0.1 is this machine alone, 0.0.0.0 all "
                    "of its addresses",
                    to_string(address), address.host, gai_strerror(code)));
  }
  return AddressList(found);
}

bool is_loopback_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

int port_of(int fd, int otherwise) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  std::string port(8, '\0');
  const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&bound));
  if (getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&bound)), &size) != 0 ||
      getnameinfo(generic, size, nullptr, 0, port.data(), static_cast<socklen_t>(port.size()), NI_NUMERICSERV) != 0) {
    return otherwise;
  }
  return std::atoi(port.c_str());
}

[[noreturn]] void fail_to_bind(const ListenAddress& address, int code) {
  std::string why = std::generic_category().message(code);
  std::string instead = "choose another address";
  if (code == EADDRINUSE) {
    why = "another program listens there already";
    const int other = address.port < kMaxPort ? address.port + 1 : address.port - 1;
    instead = fmt::format("choose another port, e.g. --listen {}, or port 0 for any that is free",
                          to_string({address.host, other}));
  } else if (code == EACCES) {
    why = "the system does not allow it";
    instead = "ports below 1024 belong to the administrator; choose a higher one";
  } else if (code == EADDRNOTAVAIL) {
    why = "that is no address of this machine";
    instead = "127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses";
  }
  throw IoError(fmt::format("--listen {}: {}; {}", to_string(address), why, instead));
}

}  // namespace

ListenAddress listen_address_from(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) fail_on(text, "there is no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  ListenAddress address;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (code != std::errc() || end != digits.data() + digits.size() || address.port < 0 || address.port > kMaxPort) {
    fail_on(text, fmt::format("\"{}\" is no port from 0 to {}", digits, kMaxPort));
  }
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) fail_on(text, "the bracket of the host is not closed");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    fail_on(text, "an IPv6 address needs brackets");
  }
  if (host.empty()) fail_on(text, "there is no host");
  address.host = host;
  return address;
}

std::string to_string(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

ListenSocket::ListenSocket(const ListenAddress& address) : address_(address) {
  const AddressList found = look_up(address);
  int code = EADDRNOTAVAIL;
  for (const addrinfo* entry = found.get(); entry != nullptr; entry = entry->ai_next) {
    fd_ = socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, entry->ai_protocol);
    const int yes = 1;
    if (fd_ >= 0 && setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd_, entry->ai_addr, entry->ai_addrlen) == 0 && listen(fd_, kBacklog) == 0) {
      loopback_ = is_loopback_address(*entry->ai_addr);
      address_.port = port_of(fd_, address.port);
      return;
    }
    code = errno;
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  fail_to_bind(address, code);
}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) close(fd_);
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)), loopback_(other.loopback_) {}

int ListenSocket::release() { return std::exchange(fd_, -1); }

}  // namespace zoo::serve
