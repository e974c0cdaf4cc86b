#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <stdexcept>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

namespace zoo::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

}  // namespace

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

RedisServer::RedisServer(std::vector<std::string> settings, bool tls) : tls_(tls), port_(free_port()) {
  if (tls_) make_certificates();
  std::ofstream file(folder_ / "redis.conf");
  file << fmt::format("bind 127.0.0.1\ndir {}\nsave \"\"\nappendonly yes\nappendfsync always\nlogfile redis.log\n",
                      folder_.path().string());
  if (tls_) {
    file << fmt::format(
        "port 0\ntls-port {}\ntls-cert-file server.crt\ntls-key-file server.key\ntls-ca-cert-file ca.crt\n"
        "tls-auth-clients no\n",
        port_);
  } else {
    file << fmt::format("port {}\n", port_);
  }
  for (const std::string& line : settings) file << line << '\n';
  file.close();
  start();
}

RedisServer::~RedisServer() { kill(); }

void RedisServer::make_certificates() const {
  const std::string command = fmt::format(
      "cd '{}' && exec 2>/dev/null && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt "
      "-subj /CN=test-authority && openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "
      "/CN=localhost && printf 'subjectAltName=DNS:localhost' > names && openssl x509 -req -in server.csr -CA ca.crt "
      "-CAkey ca.key -CAcreateserial -days 2 -out server.crt -extfile names",
      folder_.path().string());
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl makes no certificates");
}

void RedisServer::start() {
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    if (chdir(folder_.path().c_str()) == 0) execlp("redis-server", "redis-server", "redis.conf", nullptr);
    _exit(127);
  }
  using namespace std::chrono_literals;
  for (const auto end = std::chrono::steady_clock::now() + 20s; !answers(); std::this_thread::sleep_for(10ms)) {
    const bool over = waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (over) pid_ = -1;
    if (over || std::chrono::steady_clock::now() > end) throw std::runtime_error("redis-server did not start");
  }
}

/// Whether it accepts connections and has read what it had (with TLS, only the first: nothing was there).
bool RedisServer::answers() const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  bool ready = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (ready && !tls_) {
    std::array<char, 8> words{};
    ready = send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && recv(fd, words.data(), words.size(), 0) > 0 &&
            !std::string_view(words.data(), words.size()).starts_with("-LOADING");
  }
  close(fd);
  return ready;
}

std::string RedisServer::url(const std::string& key, const std::string& user_info) const {
  return fmt::format("{}://{}{}{}:{}{}{}", tls_ ? "rediss" : "redis", user_info, user_info.empty() ? "" : "@",
                     tls_ ? "localhost" : "127.0.0.1", port_, key.empty() ? "" : "/", key);
}

void RedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() { ::kill(pid_, SIGSTOP); }
void RedisServer::go_on() { ::kill(pid_, SIGCONT); }

}  // namespace zoo::test
