// A WebSocket connection, as routes see it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "serve/http/http_message.h"

namespace zoo::serve {

/// The other end. Belongs to the server's thread, see HttpServer::post. Once the client has left, sending does nothing.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual void send_text(std::string_view text) = 0;
  virtual void send_binary(std::string_view bytes) = 0;
  /// Says goodbye; on_close follows.
  virtual void close(std::string_view reason) = 0;
  /// Bytes that the system has not taken yet.
  virtual size_t unsent() const = 0;
};

/// What a route does with one connection; made when it opens, destroyed after on_close. Called by the server's thread.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void on_text(std::string_view text) = 0;
  /// Some times a second.
  virtual void on_tick() {}
};

using WebSocketFactory =
    std::function<std::shared_ptr<WebSocketHandler>(const HttpRequest& request, const std::shared_ptr<WebSocket>&)>;

}  // namespace zoo::serve
