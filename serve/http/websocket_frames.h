// The frames of WebSocket (RFC 6455), the server's side of them: no library of Debian 12 that keeps HTTP right has
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zoo::serve {

/// RFC 6455, 5.2.
enum class WsOpcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

/// RFC 6455, 7.4.1.
enum class WsClose : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNotUtf8 = 1007,
  kNotAllowed = 1008,
  kTooLarge = 1009,
  kFailed = 1011,
};

/// The answer to a client's `Sec-WebSocket-Key`; nothing if that is none.
std::optional<std::string> websocket_accept(std::string_view key);

/// A whole message as one frame, not masked.
std::string websocket_frame(WsOpcode opcode, std::string_view payload);
std::string websocket_close_frame(WsClose code, std::string_view reason);

/// A message, or a control frame.
struct WsMessage {
  WsOpcode opcode = WsOpcode::kText;  ///< kText, kBinary, kClose, kPing, kPong
  std::string payload;
};

/// Bytes of a client become messages. Holds no more than the largest message.
class WsReader {
 public:
  explicit WsReader(size_t max_message) : max_message_(max_message) {}

  void add(std::string_view bytes);
  /// The next one that is complete. Nothing: more bytes are needed, or problem() says what is wrong with those that
  /// came; after that nothing more comes.
  std::optional<WsMessage> next();
  std::optional<WsClose> problem() const { return problem_; }

 private:
  struct Head {
    bool last = false;
    WsOpcode opcode = WsOpcode::kText;
    uint64_t size = 0;
    size_t bytes = 0;  ///< of the head itself, the mask included
  };

  std::optional<Head> read_head();
  bool is_allowed(const Head& head) const;
  std::string take_payload(const Head& head);
  std::optional<WsMessage> finish_message();
  std::nullopt_t fail(WsClose code);

  const size_t max_message_;
  std::string bytes_;
  size_t offset_ = 0;
  std::optional<WsMessage> parts_;  ///< a message whose last frame has not come yet
  std::optional<WsClose> problem_;
};

}  // namespace zoo::serve
