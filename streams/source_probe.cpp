#include "streams/source_probe.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <netdb.h>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace zoo::streams {
namespace {

constexpr std::chrono::milliseconds kPatience{500};

struct Server {
  std::string host;
  std::string port;
};

/// Schemes over TCP and the ports of IANA's registry; none where an address must name it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kPorts = {{{"http", "80"},
                                                                                   {"https", "443"},
                                                                                   {"rtsp", "554"},
                                                                                   {"rtsps", "322"},
                                                                                   {"rtmp", "1935"},
                                                                                   {"rtmps", "443"},
                                                                                   {"rtmpt", "80"},
                                                                                   {"rtmpts", "443"},
                                                                                   {"ftp", "21"},
                                                                                   {"mmsh", "80"},
                                                                                   {"tcp", ""}}};

/// Of scheme://[user[:password]@]host[:port][/...]; nothing where it is no TCP.
std::optional<Server> server_of(std::string_view address) {
  const size_t begin = address.find("://");
  if (begin == std::string_view::npos) return std::nullopt;
  std::string scheme(address.substr(0, begin));
  std::ranges::transform(scheme, scheme.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto* const known = std::ranges::find(kPorts, scheme, &std::pair<std::string_view, std::string_view>::first);
  if (known == kPorts.end()) return std::nullopt;
  std::string_view place = address.substr(begin + 3);
  place = place.substr(0, place.find_first_of("/?#"));
  if (const size_t at = place.rfind('@'); at != std::string_view::npos) place.remove_prefix(at + 1);
  Server server{.host = {}, .port = std::string(known->second)};
  const size_t host_end = place.starts_with('[') ? place.find(']') : place.find(':');
  server.host = place.substr(place.starts_with('[') ? 1 : 0, host_end - (place.starts_with('[') ? 1 : 0));
  const size_t colon = place.find(':', place.starts_with('[') ? host_end : 0);
  if (colon != std::string_view::npos) server.port = place.substr(colon + 1);
  if (server.host.empty() || server.port.empty()) return std::nullopt;
  return server;
}

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

using Clock = std::chrono::steady_clock;

bool accepts(const addrinfo& address, Clock::time_point deadline) {
  const Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return false;
  if (connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wanted{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  if (poll(&wanted, 1, std::max(0, static_cast<int>(left.count()))) != 1) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/// Any of the name's addresses.
bool accepts(const Server& server) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> cleanup(found, &freeaddrinfo);
  const Clock::time_point deadline = Clock::now() + kPatience;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    if (accepts(*address, deadline)) return true;
  }
  return false;
}

}  // namespace

SourceProbe make_source_probe(const pipeline::SourceSpec& spec) {
  if (spec.kind == pipeline::SourceKind::kCamera) {
    return [device = "/dev/video" + spec.text] {
      std::error_code error;
      return std::filesystem::exists(device, error);
    };
  }
  if (spec.kind != pipeline::SourceKind::kStream) return {};
  const std::optional<Server> server = server_of(spec.text);
  if (!server) return {};
  return [server = *server] { return accepts(server); };
}

}  // namespace zoo::streams
