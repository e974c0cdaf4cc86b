// What libmicrohttpd does for serve/, as the face of a module (nn/core/module.h): sockets become requests.
//
// A daemon has no thread. Whoever owns it waits until epoll_fd() is readable or timeout() is over and calls run();
// every member, and everything that it calls, belongs to that one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/http_message.h"

namespace zoo::serve {

struct HttpLimits {
  size_t header_bytes = 16'384;  ///< request line and headers of one request
  unsigned connections = 0;      ///< at a time; further ones wait to be accepted. 0: half of the files that may be open
  /// How long a client may take for each step: from the connection, or the last answer, to the end of a request's
  /// headers; from there to the end of its body; to take the answer (a BodyStream: to take anything).
  std::chrono::milliseconds step{30'000};
  size_t bodies_bytes = size_t{256} << 20;  ///< of all bodies that are held at a time
};

/// A connection that is HTTP no more; nonblocking.
class UpgradedSocket {
 public:
  virtual ~UpgradedSocket() = default;  ///< closes it
  virtual int fd() const = 0;
  /// What the client sent already.
  virtual std::string_view received() const = 0;
};

/// One request that is complete. Whoever keeps it answers it, once, now or later; an answer to a client who has left is
/// thrown away.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual void answer(HttpResponse response) = 0;
  /// Answers 101; then `take` gets the socket.
  virtual void upgrade(const TextPairs& headers, std::function<void(std::unique_ptr<UpgradedSocket>)> take) = 0;

  HttpRequest request;
};

struct HttpDaemonEvents {
  /// The head of a request is there. Its answer, if nobody wants the body; else how much of one it may have.
  std::function<std::optional<HttpResponse>(const HttpRequest& head, size_t& max_body)> on_head;
  std::function<void(const std::shared_ptr<HttpExchange>&)> on_request;
  /// An answer was given: for logs.
  std::function<void(const HttpRequest& request, int status)> on_answer;
};

class HttpDaemon {
 public:
  virtual ~HttpDaemon() = default;  ///< closes every connection

  virtual int epoll_fd() const = 0;
  /// How long to wait at most; nothing: for ever.
  virtual std::optional<std::chrono::milliseconds> timeout() const = 0;
  virtual void run() = 0;
  /// Ends the connections that are too slow, see HttpLimits. To be called some times a second.
  virtual void end_slow_ones() = 0;
  /// Accepts no more; ends the connections on which nothing is asked, and each other after its answer.
  virtual void drain() = 0;
  virtual size_t connections() const = 0;
};

struct HttpDaemonModule {
  /// Takes the listening socket. Throws IoError.
  std::unique_ptr<HttpDaemon> (*start)(int listen_fd, const HttpLimits& limits, HttpDaemonEvents events);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const HttpDaemonModule& httpd_module();

}  // namespace zoo::serve
