// An HTTP server of one thread: routes, WebSockets, limits before work.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/http_daemon.h"
#include "serve/http/http_message.h"
#include "serve/http/listen_address.h"
#include "serve/http/websocket.h"

namespace zoo::serve {

struct HttpServerOptions {
  ListenAddress listen;
  /// What clients must know. Required where other machines can reach the server.
  std::string token;
  HttpLimits limits;
  /// How long stop() waits for answers that are under way.
  std::chrono::milliseconds drain{1'500};
  /// One line for every answer, without a secret. Called by the server's thread.
  std::function<void(const std::string&)> on_access = {};
};

class HttpServer;

/// Where a route's answer goes, from any thread, once. Copies are the same. A request whose responders are all gone
/// without an answer is answered 500.
class Responder {
 public:
  void answer(HttpResponse response) const;

 private:
  friend class HttpServer;
  struct Shared;
  explicit Responder(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;
};

/// Called by the server's thread, which does nothing else meanwhile: what takes long answers from another thread. An
/// Error that it throws is the answer, 400. The body is its to move away.
using HttpHandler = std::function<void(HttpRequest& request, Responder responder)>;

struct RouteOptions {
  size_t max_body = 0;   ///< bytes
  bool open = false;     ///< answered without the token
  bool changes = false;  ///< changes something: not for pages of other sites. Of all methods but GET anyway
  /// Bytes that a body may have without the token in its head: for clients that send the token in the body, so that
  /// the handler must ask HttpServer::is_token() itself. 0: none
  size_t max_body_without_token = 0;
};

/// No path of a request reaches the file system. Pages of other sites are kept away (request_guard.h).
class HttpServer {
 public:
  /// Listens, but answers nobody yet. Throws Error: no token where one is required; IoError as ListenSocket.
  explicit HttpServer(HttpServerOptions options);
  /// stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Before start(). `pattern`: see matches(). An unknown path is answered 404, an unknown method of a known one 405
  /// with those that it has.
  void route(const std::string& method, const std::string& pattern, const RouteOptions& options, HttpHandler handler);
  void websocket(const std::string& pattern, WebSocketFactory factory);
  /// Whether the head has the token, or none is asked for. Thread-safe.
  bool has_token(const HttpRequest& request) const;
  /// Whether a text is the token, or none is asked for. Thread-safe.
  bool is_token(std::string_view text) const;
  /// Throws Error where the module of HTTP is missing, IoError.
  void start();
  /// Accepts no more, finishes what is under way for as long as the options say, says goodbye to WebSockets, ends.
  void stop();

  /// "http://127.0.0.1:8080", with the port that was chosen.
  std::string url() const;
  const ListenAddress& address() const;

  /// Runs a task in the server's thread; after stop() it is destroyed instead. Thread-safe.
  void post(std::function<void()> task);
  /// How many connections there are. Thread-safe.
  size_t connections() const;

 private:
  friend class Responder;
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace zoo::serve
