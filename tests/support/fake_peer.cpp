#include "tests/support/fake_peer.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace zoo::test {

FakePeer::FakePeer(std::vector<std::string> script, bool closes) : script_(std::move(script)), closes_(closes) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port for a fake peer");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakePeer::~FakePeer() {
  ending_ = true;
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string FakePeer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void FakePeer::serve() {
  for (size_t connection = 0; !ending_; ++connection) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    bool spoken = false;
    while (!ending_) {
      pollfd waiting{fd, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      std::array<char, 4096> bytes{};
      const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      {
        const std::lock_guard lock(mutex_);
        received_.append(bytes.data(), static_cast<size_t>(count));
      }
      if (spoken) continue;
      spoken = true;
      const std::string& words = script_[std::min(connection, script_.size() - 1)];
      for (size_t sent = 0; sent < words.size();) {
        const ssize_t now = send(fd, words.data() + sent, words.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) break;
        sent += static_cast<size_t>(now);
      }
      if (closes_) break;
    }
    close(fd);
  }
}

}  // namespace zoo::test
