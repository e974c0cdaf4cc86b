#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <utility>

#include <fmt/format.h>

#include "brokers/broker_error.h"
#include "brokers/byte_stream.h"
#include "nn/core/descriptor.h"

namespace zoo::brokers {
namespace {

std::string text_of(int error) {
  if (error == ECONNREFUSED) return "nobody listens there (connection refused); is Redis running, is the port right?";
  return std::generic_category().message(error);
}

/// True before the deadline, false at it.
bool poll_until(int fd, short events, const Deadline& deadline) {
  const int64_t look = deadline.may_come_earlier() ? 100 : 60'000;
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.time() - now).count();
    if (left <= 0) return false;
    pollfd waiting{fd, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, look)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // what reads or writes next will say what it is
  }
}

class TcpStream : public ByteStream {
 public:
  TcpStream(Descriptor descriptor, std::string server) : fd_(std::move(descriptor)), server_(std::move(server)) {}

  size_t read_some(std::span<char> bytes) override {
    const ssize_t count = recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (count == 0) throw BrokerError(fmt::format("{}: the server closed the connection", server_), true);
    return checked(count, Wants::kRead);
  }
  // A signal for what is an error here would end the program.
  size_t write_some(std::string_view bytes) override {
    return checked(send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), Wants::kWrite);
  }
  Wants wants() const override { return wants_; }
  int descriptor() const override { return fd_.get(); }

 private:
  size_t checked(ssize_t count, Wants wants) {
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      throw BrokerError(fmt::format("{}: the connection was lost: {}", server_, text_of(errno)), true);
    }
    wants_ = wants;
    return 0;
  }

  Descriptor fd_;
  std::string server_;
  Wants wants_ = Wants::kRead;
};

/// 0, or why this address does not answer.
int connect_to(const addrinfo& found, int fd, const Deadline& deadline) {
  if (connect(fd, found.ai_addr, found.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!poll_until(fd, POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace

void wait_for(const ByteStream& stream, bool reads, bool writes, const Deadline& deadline,
              const std::string& complaint) {
  const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
  if (!poll_until(stream.descriptor(), static_cast<short>(events), deadline)) throw BrokerError(complaint, true);
}

std::unique_ptr<ByteStream> connect_tcp(const RedisAddress& address, const Deadline& deadline) {
  const std::string server = address.server();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int problem = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (problem != 0) {
    throw BrokerError(fmt::format("{}: the server's name cannot be resolved: {}", server, gai_strerror(problem)), true);
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  int last_error = EHOSTUNREACH;
  int left = 0;
  for (const addrinfo* found = list; found != nullptr; found = found->ai_next) ++left;
  for (const addrinfo* found = list; found != nullptr; found = found->ai_next, --left) {
    Descriptor fd(socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, found->ai_protocol));
    if (!fd.is_open()) {
      last_error = errno;
      continue;
    }
    // One that does not answer leaves time to the others.
    last_error = connect_to(*found, fd.get(), deadline.part(left));
    if (last_error != 0) continue;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return std::make_unique<TcpStream>(std::move(fd), server);
  }
  if (last_error == ETIMEDOUT) throw BrokerError(fmt::format("{}: no connection in time", server), true);
  throw BrokerError(fmt::format("{}: {}", server, text_of(last_error)), true);
}

}  // namespace zoo::brokers
