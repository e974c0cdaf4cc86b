// Clients of a server on the loopback, polite ones and others.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/http/websocket_frames.h"

namespace zoo::test {

/// A connection whose every call gives up after `patience_s` seconds.
class RawClient {
 public:
  explicit RawClient(int port, int patience_s = 20);
  ~RawClient();
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient& operator=(RawClient&&) = delete;

  /// False where the server has closed.
  bool send(std::string_view bytes) const;
  /// Says that nothing more will be sent.
  void finish_sending() const;
  /// What came until `end` did, that included, or until the server closed.
  std::string read_until(std::string_view end);
  std::string read(size_t bytes);
  /// All that comes until the server closes; nothing if it does not.
  std::optional<std::string> read_to_end();

 private:
  bool receive();

  int fd_ = -1;
  std::string received_;
};

struct Answer {
  int status = 0;  ///< 0: the server closed without one
  std::string head;
  std::string body;
};

/// Reads one answer with a Content-Length.
Answer read_answer(RawClient& client);

/// One request on a connection of its own. `headers`: whole lines with line ends, instead of a Host of 127.0.0.1.
Answer ask(int port, std::string_view method, std::string_view path, std::string_view body = {},
           std::string_view headers = "Host: 127.0.0.1\r\n");
inline Answer get(int port, std::string_view path) { return ask(port, "GET", path); }

/// A browser's end of a WebSocket.
class WebSocketClient {
 public:
  /// `status()` is 101 where the server agreed.
  explicit WebSocketClient(int port, std::string_view path = "/ws", std::string_view more_headers = {});

  int status() const { return status_; }
  bool send_text(std::string_view text) { return send_frame(0x81, text); }
  bool send_frame(unsigned first_byte, std::string_view payload);
  bool send_raw(std::string_view bytes) { return client_.send(bytes); }
  /// The next frame; nothing where the server has closed.
  std::optional<serve::WsMessage> read();

 private:
  RawClient client_;
  int status_ = 0;
};

}  // namespace zoo::test
