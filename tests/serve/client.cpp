#include "tests/serve/client.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

namespace zoo::test {
RawClient::RawClient(int port, int patience_s) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{patience_s, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::system_error(errno, std::generic_category(), "connect");
  }
}

RawClient::~RawClient() {
  if (fd_ >= 0) close(fd_);
}

bool RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

void RawClient::finish_sending() const { shutdown(fd_, SHUT_WR); }

bool RawClient::receive() {
  std::array<char, 65'536> block{};
  const ssize_t count = recv(fd_, block.data(), block.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("the server says nothing");
  if (count <= 0) return false;
  received_.append(block.data(), static_cast<size_t>(count));
  return true;
}

std::string RawClient::read_until(std::string_view end) {
  size_t found = received_.find(end);
  while (found == std::string::npos && receive()) found = received_.find(end);
  const size_t size = found == std::string::npos ? received_.size() : found + end.size();
  std::string text = received_.substr(0, size);
  received_.erase(0, size);
  return text;
}

std::string RawClient::read(size_t bytes) {
  while (received_.size() < bytes && receive()) {
  }
  std::string text = received_.substr(0, bytes);
  received_.erase(0, text.size());
  return text;
}

std::optional<std::string> RawClient::read_to_end() {
  try {
    while (receive()) {
    }
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  return std::exchange(received_, {});
}

Answer read_answer(RawClient& client) {
  Answer answer;
  do {
    answer.head = client.read_until("\r\n\r\n");
  } while (answer.head.starts_with("HTTP/1.1 100"));
  if (answer.head.size() > 12) answer.status = std::atoi(answer.head.c_str() + 9);
  const size_t length = answer.head.find("\r\nContent-Length:");
  if (length != std::string::npos) answer.body = client.read(std::stoul(answer.head.substr(length + 17)));
  return answer;
}

Answer ask(int port, std::string_view method, std::string_view path, std::string_view body, std::string_view headers) {
  RawClient client(port);
  const std::string length =
      body.empty() && method == "GET" ? std::string() : fmt::format("Content-Length: {}\r\n", body.size());
  client.send(fmt::format("{} {} HTTP/1.1\r\n{}Connection: close\r\n{}\r\n{}", method, path, headers, length, body));
  return read_answer(client);
}

WebSocketClient::WebSocketClient(int port, std::string_view path, std::string_view more_headers) : client_(port) {
  client_.send(
      fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n",
                  path, more_headers));
  status_ = read_answer(client_).status;
}

bool WebSocketClient::send_frame(unsigned first_byte, std::string_view payload) {
  constexpr std::array<char, 4> kMask = {'\x12', '\x34', '\x56', '\x78'};
  std::string frame(1, static_cast<char>(first_byte));
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else if (payload.size() < 65'536) {
    frame += '\xfe';
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size());
  } else {
    frame += '\xff';
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
  }
  frame.append(kMask.begin(), kMask.end());
  for (size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ kMask.at(i % 4));
  return client_.send(frame);
}

std::optional<serve::WsMessage> WebSocketClient::read() {
  const std::string head = client_.read(2);
  if (head.size() < 2) return std::nullopt;
  size_t size = static_cast<unsigned char>(head[1]);
  if (size >= 126) {
    const std::string more = client_.read(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : more) size = size << 8 | static_cast<unsigned char>(c);
  }
  serve::WsMessage message{static_cast<serve::WsOpcode>(head[0] & 0x0f), client_.read(size)};
  if (message.payload.size() < size) return std::nullopt;
  return message;
}

}  // namespace zoo::test
