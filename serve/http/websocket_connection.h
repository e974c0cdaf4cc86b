// A WebSocket over a socket that a request was upgraded to.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "serve/http/event_loop.h"
#include "serve/http/http_daemon.h"
#include "serve/http/websocket.h"
#include "serve/http/websocket_frames.h"

namespace zoo::serve {

/// Belongs to the loop's thread. Pings a client who is silent and leaves one who stays so, or who does not take what is
/// sent.
class WebSocketConnection : public WebSocket, public std::enable_shared_from_this<WebSocketConnection> {
 public:
  using Clock = std::chrono::steady_clock;

  WebSocketConnection(EventLoop& loop, std::unique_ptr<UpgradedSocket> socket)
      : loop_(loop), socket_(std::move(socket)) {}
  ~WebSocketConnection() override { leave(); }
  WebSocketConnection(const WebSocketConnection&) = delete;
  WebSocketConnection& operator=(const WebSocketConnection&) = delete;

  void start(std::shared_ptr<WebSocketHandler> handler);
  void tick();
  bool is_open() const { return socket_ != nullptr; }
  /// Ends it now.
  void leave();

  void send_text(std::string_view text) override { send(websocket_frame(WsOpcode::kText, text)); }
  void send_binary(std::string_view bytes) override { send(websocket_frame(WsOpcode::kBinary, bytes)); }
  void close(std::string_view reason) override { close_with(WsClose::kGoingAway, reason); }
  size_t unsent() const override { return outbox_.size() - sent_; }

 private:
  void on_ready(uint32_t events);
  bool receive();
  void take_messages();
  void take(const WsMessage& message);
  void send(std::string frame);
  void flush();
  void close_with(WsClose code, std::string_view reason);

  EventLoop& loop_;
  std::unique_ptr<UpgradedSocket> socket_;
  std::shared_ptr<WebSocketHandler> handler_;
  WsReader reader_{size_t{64} << 10};
  std::string outbox_;
  size_t sent_ = 0;
  bool waits_for_room_ = false;
  bool closing_ = false;
  Clock::time_point heard_at_ = Clock::now();
  Clock::time_point took_at_ = Clock::now();
  Clock::time_point pinged_at_ = Clock::now();
};

}  // namespace zoo::serve
