// A small HTTP server for tests of downloads: answers what a test says, and misbehaves as a test says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace zoo::test {

struct HttpRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  ///< names in lower case

  /// Empty if there is none.
  std::string header(const std::string& name) const;
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Content-Length is added where it is missing
  std::string body{};
  std::optional<size_t> send{};  ///< only so many bytes of the body
  bool silent = false;           ///< close the connection without a word
  bool stall = false;            ///< then keep the connection until the client or the server ends
  std::string raw{};             ///< instead of all that: these bytes
};

/// Answers each connection in a thread of its own with one reply, on 127.0.0.1.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& path = "") const;
  /// The same server by another name.
  std::string localhost_url(const std::string& path = "") const;

  void set_handler(Handler handler);
  /// What has been asked so far, in order.
  std::vector<HttpRequest> requests() const;
  void forget_requests();

 private:
  void accept_all();
  void serve(int fd);
  void send_reply(int fd, const HttpRequest& request, const HttpReply& reply) const;

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex mutex_;
  Handler handler_;
  std::vector<HttpRequest> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

/// A file as a decent server sends it: Range and If-Range are honoured.
HttpReply file_reply(const HttpRequest& request, const std::string& content, const std::string& etag);

/// Bytes that look like nothing, the same for the same size.
std::string noise(size_t size);

}  // namespace zoo::test
