#include "serve/http/websocket_connection.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;

constexpr auto kPingAfter = 15s;
constexpr auto kLeaveAfter = 45s;
constexpr auto kGoodbye = 2s;
/// Routes keep to what clients acknowledge; this is for one that does not.
constexpr size_t kMaxOutbox = size_t{32} << 20;
constexpr size_t kBlock = 16'384;

}  // namespace

void WebSocketConnection::start(std::shared_ptr<WebSocketHandler> handler) {
  handler_ = std::move(handler);
  reader_.add(socket_->received());
  loop_.watch(socket_->fd(), EPOLLIN | EPOLLRDHUP, [weak = weak_from_this()](uint32_t events) {
    if (const auto self = weak.lock()) self->on_ready(events);
  });
  take_messages();
}

void WebSocketConnection::leave() {
  if (!socket_) return;
  loop_.forget(socket_->fd());
  socket_.reset();
  // Not now: one of its own calls may have led here.
  loop_.post([handler = std::move(handler_)] {});
}

void WebSocketConnection::tick() {
  if (!socket_) return;
  const Clock::time_point now = Clock::now();
  const bool stuck = unsent() > 0 && now - took_at_ > kLeaveAfter;
  if (stuck || now - heard_at_ > (closing_ ? kGoodbye : kLeaveAfter)) {
    leave();
    return;
  }
  if (now - heard_at_ > kPingAfter && now - pinged_at_ > kPingAfter) {
    pinged_at_ = now;
    send(websocket_frame(WsOpcode::kPing, {}));
  }
  if (socket_ && !closing_) handler_->on_tick();
}

void WebSocketConnection::on_ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if (socket_ && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !receive()) leave();
}

/// False once the client has left.
bool WebSocketConnection::receive() {
  std::array<char, kBlock> block{};
  const ssize_t count = recv(socket_->fd(), block.data(), block.size(), 0);
  if (count == 0) return false;
  if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  heard_at_ = Clock::now();
  reader_.add({block.data(), static_cast<size_t>(count)});
  take_messages();
  return true;
}

void WebSocketConnection::take_messages() {
  while (socket_ && !closing_) {
    const std::optional<WsMessage> message = reader_.next();
    if (!message) break;
    take(*message);
  }
  if (socket_ && !closing_ && reader_.problem()) close_with(*reader_.problem(), "");
}

void WebSocketConnection::take(const WsMessage& message) {
  switch (message.opcode) {
    case WsOpcode::kText:
      handler_->on_text(message.payload);
      break;
    case WsOpcode::kPing:
      send(websocket_frame(WsOpcode::kPong, message.payload));
      break;
    case WsOpcode::kClose:
      close_with(WsClose::kNormal, "");
      break;
    case WsOpcode::kBinary:
      close_with(WsClose::kNotAllowed, "text is expected");
      break;
    case WsOpcode::kPong:
    case WsOpcode::kContinuation:
      break;
  }
}

void WebSocketConnection::send(std::string frame) {
  if (!socket_ || closing_) return;
  if (unsent() + frame.size() > kMaxOutbox) {
    leave();
    return;
  }
  if (outbox_.empty()) {
    took_at_ = Clock::now();
    outbox_ = std::move(frame);
    sent_ = 0;
  } else {
    outbox_.erase(0, std::exchange(sent_, 0));
    outbox_ += frame;
  }
  flush();
}

void WebSocketConnection::flush() {
  while (socket_ && sent_ < outbox_.size()) {
    const ssize_t count = ::send(socket_->fd(), outbox_.data() + sent_, outbox_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0) {
      leave();
      return;
    }
    sent_ += static_cast<size_t>(count);
    took_at_ = Clock::now();
  }
  if (!socket_) return;
  const bool full = sent_ < outbox_.size();
  if (!full) {
    outbox_.clear();
    sent_ = 0;
    if (closing_) shutdown(socket_->fd(), SHUT_WR);
  }
  if (std::exchange(waits_for_room_, full) != full) {
    loop_.change(socket_->fd(), EPOLLIN | EPOLLRDHUP | (full ? uint32_t{EPOLLOUT} : 0U));
  }
}

void WebSocketConnection::close_with(WsClose code, std::string_view reason) {
  if (!socket_ || closing_) return;
  send(websocket_close_frame(code, reason));
  closing_ = true;
  heard_at_ = Clock::now();
  if (socket_ && unsent() == 0) shutdown(socket_->fd(), SHUT_WR);
}

}  // namespace zoo::serve
