#include "serve/http/websocket_frames.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <utility>

#include "nn/core/utf8.h"

namespace zoo::serve {
namespace {

constexpr std::string_view kKeySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, 1.3
constexpr size_t kKeySize = 24;                                                  // base64 of 16 bytes
constexpr unsigned kLast = 0x80;
constexpr unsigned kReserved = 0x70;
constexpr unsigned kOpcode = 0x0f;
constexpr unsigned kMasked = 0x80;
constexpr unsigned kSize = 0x7f;
constexpr unsigned kSize16 = 126;
constexpr unsigned kSize64 = 127;
constexpr size_t kMaxControl = 125;
constexpr size_t kMask = 4;

bool is_control(WsOpcode opcode) { return static_cast<unsigned>(opcode) >= static_cast<unsigned>(WsOpcode::kClose); }

bool is_known(unsigned opcode) { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

void append_number(std::string& dst, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) dst += static_cast<char>(value >> (8 * i));
}

/// What a close frame may say: nothing, or a code that is for the wire and a text.
bool is_close_payload(std::string_view payload) {
  if (payload.empty()) return true;
  if (payload.size() < 2 || !is_utf8(payload.substr(2))) return false;
  const unsigned code = static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
  constexpr unsigned kNotForTheWire[] = {1004, 1005, 1006};
  return (code >= 1000 && code <= 1014 && std::ranges::find(kNotForTheWire, code) == std::end(kNotForTheWire)) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

std::optional<std::string> websocket_accept(std::string_view key) {
  if (key.size() != kKeySize || !key.ends_with("==")) return std::nullopt;
  const std::string text = std::string(key) + std::string(kKeySuffix);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return std::nullopt;
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> base64{};
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return std::string(base64.begin(), base64.begin() + length);
}

std::string websocket_frame(WsOpcode opcode, std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  frame += static_cast<char>(kLast | static_cast<unsigned>(opcode));
  if (payload.size() <= kMaxControl) {
    frame += static_cast<char>(payload.size());
  } else if (payload.size() <= 0xffff) {
    frame += static_cast<char>(kSize16);
    append_number(frame, payload.size(), 2);
  } else {
    frame += static_cast<char>(kSize64);
    append_number(frame, payload.size(), 8);
  }
  frame += payload;
  return frame;
}

std::string websocket_close_frame(WsClose code, std::string_view reason) {
  std::string payload;
  append_number(payload, static_cast<uint64_t>(code), 2);
  payload += reason.substr(0, kMaxControl - payload.size());
  return websocket_frame(WsOpcode::kClose, payload);
}

void WsReader::add(std::string_view bytes) {
  if (problem_) return;
  bytes_.erase(0, offset_);
  offset_ = 0;
  bytes_ += bytes;
}

std::optional<WsMessage> WsReader::next() {
  while (!problem_) {
    const std::optional<Head> head = read_head();
    if (!head) return std::nullopt;
    if (!is_allowed(*head)) return fail(WsClose::kProtocolError);
    const size_t so_far = parts_ ? parts_->payload.size() : 0;
    if (head->size > max_message_ || so_far + head->size > max_message_) return fail(WsClose::kTooLarge);
    if (bytes_.size() - offset_ < head->bytes + head->size) return std::nullopt;
    std::string payload = take_payload(*head);
    if (is_control(head->opcode)) {
      if (head->opcode == WsOpcode::kClose && !is_close_payload(payload)) return fail(WsClose::kProtocolError);
      return WsMessage{head->opcode, std::move(payload)};
    }
    if (!parts_) parts_ = WsMessage{head->opcode, {}};
    parts_->payload += payload;
    if (head->last) return finish_message();
  }
  return std::nullopt;
}

std::optional<WsReader::Head> WsReader::read_head() {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes_[offset_ + i]); };
  const size_t there = bytes_.size() - offset_;
  if (there < 2) return std::nullopt;
  if ((byte(0) & kReserved) != 0 || !is_known(byte(0) & kOpcode) || (byte(1) & kMasked) == 0) {
    return fail(WsClose::kProtocolError);
  }
  Head head{.last = (byte(0) & kLast) != 0, .opcode = static_cast<WsOpcode>(byte(0) & kOpcode)};
  const unsigned size = byte(1) & kSize;
  const size_t size_bytes = size == kSize16 ? 2 : size == kSize64 ? 8 : 0;
  head.bytes = 2 + size_bytes + kMask;
  if (there < head.bytes) return std::nullopt;
  head.size = size_bytes == 0 ? size : 0;
  for (size_t i = 0; i < size_bytes; ++i) head.size = head.size << 8 | byte(2 + i);
  return head;
}

bool WsReader::is_allowed(const Head& head) const {
  if (is_control(head.opcode)) return head.last && head.size <= kMaxControl;
  return (head.opcode == WsOpcode::kContinuation) == parts_.has_value();
}

std::string WsReader::take_payload(const Head& head) {
  const char* mask = bytes_.data() + offset_ + head.bytes - kMask;
  std::string payload = bytes_.substr(offset_ + head.bytes, head.size);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % kMask]);
  offset_ += head.bytes + head.size;
  return payload;
}

std::optional<WsMessage> WsReader::finish_message() {
  std::optional<WsMessage> message = std::exchange(parts_, std::nullopt);
  if (message->opcode == WsOpcode::kText && !is_utf8(message->payload)) return fail(WsClose::kNotUtf8);
  return message;
}

std::nullopt_t WsReader::fail(WsClose code) {
  problem_ = code;
  bytes_.clear();
  offset_ = 0;
  parts_.reset();
  return std::nullopt;
}

}  // namespace zoo::serve
