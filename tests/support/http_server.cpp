#include "tests/support/http_server.h"

#include <algorithm>
#include <cctype>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace zoo::test {
namespace {

constexpr int kPollMs = 20;

void send_all(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

HttpRequest parse(const std::string& head) {
  HttpRequest request;
  std::istringstream lines(head);
  lines >> request.method >> request.path;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line != "\r") {
    const size_t colon = line.find(':');
    const size_t begin = line.find_first_not_of(' ', colon + 1);
    request.headers[lower(line.substr(0, colon))] = line.substr(begin, line.find('\r') - begin);
  }
  return request;
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  ending_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::string HttpServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::string HttpServer::localhost_url(const std::string& path) const {
  return "http://localhost:" + std::to_string(port_) + path;
}

void HttpServer::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

void HttpServer::accept_all() {
  while (!ending_) {
    pollfd waiting = {.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPollMs) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpServer::serve(int fd) {
  std::string head;
  char buffer[4096];
  while (!ending_ && head.find("\r\n\r\n") == std::string::npos) {
    pollfd waiting = {.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPollMs) <= 0) continue;
    const ssize_t count = ::recv(fd, buffer, sizeof(buffer), 0);
    if (count <= 0) break;
    head.append(buffer, static_cast<size_t>(count));
  }
  if (head.find("\r\n\r\n") != std::string::npos) {
    const HttpRequest request = parse(head);
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      handler = handler_;
    }
    send_reply(fd, request, handler(request));
  }
  ::close(fd);
}

void HttpServer::send_reply(int fd, const HttpRequest& request, const HttpReply& reply) const {
  if (reply.silent) return;
  std::string text = reply.raw;
  if (text.empty()) {
    text = "HTTP/1.1 " + std::to_string(reply.status) + " Status\r\nConnection: close\r\n";
    bool has_length = false;
    for (const auto& [name, value] : reply.headers) {
      text += name + ": " + value + "\r\n";
      has_length = has_length || lower(name) == "content-length";
    }
    if (!has_length) text += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    text += "\r\n";
    if (request.method != "HEAD") text += reply.body.substr(0, reply.send.value_or(reply.body.size()));
  }
  send_all(fd, text);
  while (reply.stall && !ending_) {
    pollfd waiting = {.fd = fd, .events = POLLRDHUP, .revents = 0};
    if (::poll(&waiting, 1, kPollMs) > 0) break;
  }
}

HttpReply file_reply(const HttpRequest& request, const std::string& content, const std::string& etag) {
  const std::string range = request.header("range");
  const std::string condition = request.header("if-range");
  HttpReply reply{.headers = {{"ETag", etag}, {"Accept-Ranges", "bytes"}}, .body = content};
  if (range.empty() || (!condition.empty() && condition != etag)) return reply;
  const size_t begin = std::stoul(range.substr(range.find('=') + 1));
  if (begin >= content.size()) return {.status = 416};
  reply.status = 206;
  reply.body = content.substr(begin);
  reply.headers.emplace_back("Content-Range", "bytes " + std::to_string(begin) + "-" +
                                                  std::to_string(content.size() - 1) + "/" +
                                                  std::to_string(content.size()));
  return reply;
}

std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = size;
  for (char& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56U);
  }
  return bytes;
}

}  // namespace zoo::test
