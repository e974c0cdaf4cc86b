// HTTP through libmicrohttpd, the module of serve/.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <list>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "serve/http/framing.h"
#include "serve/http/http_daemon.h"

namespace zoo::serve {
namespace {

using Clock = std::chrono::steady_clock;

/// A refused body below this is read and thrown away: a connection that is closed while its client still writes may
/// lose the answer.
constexpr uint64_t kMaxThrownAway = uint64_t{1} << 20;
constexpr size_t kStreamBlock = 32'768;
constexpr unsigned kFewestConnections = 16;
constexpr int kTooManyBodies = 503;
constexpr int kBodyTooLarge = 413;

class MhdDaemon;
class MhdExchange;

enum class Step { kHead, kBody, kWork, kAnswer, kStream, kUpgraded };

struct Connection {
  MHD_Connection* handle = nullptr;
  int fd = -1;
  Step step = Step::kHead;
  Clock::time_point since = Clock::now();
  bool suspended = false;
  bool is_cut = false;
  std::shared_ptr<MhdExchange> exchange;

  void enter(Step next) {
    step = next;
    since = Clock::now();
  }
  void suspend() {
    suspended = true;
    MHD_suspend_connection(handle);
  }
  void resume() {
    if (std::exchange(suspended, false)) MHD_resume_connection(handle);
  }
  /// The daemon then sees that it has ended.
  void cut() {
    is_cut = true;
    shutdown(fd, SHUT_RDWR);
    resume();
  }
};

class MhdExchange : public HttpExchange {
 public:
  void answer(HttpResponse given) override {
    response = std::move(given);
    if (connection != nullptr) connection->resume();
  }
  void upgrade(const TextPairs& headers, std::function<void(std::unique_ptr<UpgradedSocket>)> take) override {
    take_socket = std::move(take);
    HttpResponse switching{.status = MHD_HTTP_SWITCHING_PROTOCOLS, .content_type = {}};
    switching.headers = headers;
    answer(std::move(switching));
  }

  Connection* connection = nullptr;  ///< null once the client has left
  std::optional<HttpResponse> response;
  std::function<void(std::unique_ptr<UpgradedSocket>)> take_socket;
  size_t max_body = 0;
  size_t body_bytes = 0;  ///< of the body, in MhdDaemon::bodies_bytes_
  uint64_t thrown_away = 0;
  bool asked = false;
};

class MhdSocket : public UpgradedSocket {
 public:
  MhdSocket(int fd, std::string received, MHD_UpgradeResponseHandle* handle)
      : fd_(fd), received_(std::move(received)), handle_(handle) {}
  ~MhdSocket() override { MHD_upgrade_action(handle_, MHD_UPGRADE_ACTION_CLOSE); }
  MhdSocket(const MhdSocket&) = delete;
  MhdSocket& operator=(const MhdSocket&) = delete;

  int fd() const override { return fd_; }
  std::string_view received() const override { return received_; }

 private:
  int fd_;
  std::string received_;
  MHD_UpgradeResponseHandle* handle_;
};

/// What libmicrohttpd keeps of a BodyStream's answer.
struct StreamedBody {
  std::shared_ptr<BodyStream> stream;
  std::shared_ptr<MhdExchange> exchange;
};

unsigned connection_limit(unsigned asked) {
  if (asked != 0) return asked;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kFewestConnections;
  constexpr rlim_t kMost = 4'096;
  return std::max(kFewestConnections, static_cast<unsigned>(std::min(files.rlim_cur / 2, kMost)));
}

class MhdDaemon : public HttpDaemon {
 public:
  MhdDaemon(int listen_fd, const HttpLimits& limits, HttpDaemonEvents events);
  ~MhdDaemon() override;
  MhdDaemon(const MhdDaemon&) = delete;
  MhdDaemon& operator=(const MhdDaemon&) = delete;

  int epoll_fd() const override { return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd; }
  std::optional<std::chrono::milliseconds> timeout() const override;
  void run() override { MHD_run(daemon_); }
  void end_slow_ones() override;
  void drain() override;
  size_t connections() const override { return connections_.size(); }

 private:
  static void on_connection(void* self, MHD_Connection* handle, void** context, MHD_ConnectionNotificationCode code);
  static MHD_Result on_data(void* self, MHD_Connection* handle, const char* url, const char* method,
                            const char* version, const char* data, size_t* size, void** state);
  static void on_completed(void* self, MHD_Connection* handle, void** state, MHD_RequestTerminationCode code);
  static size_t leave_escaped(void* /*self*/, MHD_Connection* /*handle*/, char* text) { return std::strlen(text); }
  static ssize_t read_stream(void* body, uint64_t position, char* dst, size_t max);
  static void free_stream(void* body) { delete static_cast<StreamedBody*>(body); }
  static void on_upgraded(void* self, MHD_Connection* handle, void* state, const char* extra, size_t extra_size,
                          MHD_socket fd, MHD_UpgradeResponseHandle* upgrade);

  MHD_Result begin(Connection& connection, const char* url, const char* method, void** state);
  MHD_Result take_body(MhdExchange& exchange, std::string_view data);
  MHD_Result finish(Connection& connection);
  MHD_Result send(Connection& connection);
  MHD_Response* make_response(const std::shared_ptr<MhdExchange>& exchange);

  const HttpLimits limits_;
  const HttpDaemonEvents events_;
  std::list<Connection> connections_;
  size_t bodies_bytes_ = 0;
  bool draining_ = false;
  bool ending_ = false;
  MHD_Daemon* daemon_ = nullptr;
};

Connection* connection_of(MHD_Connection* handle) {
  const auto* info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == nullptr ? nullptr : static_cast<Connection*>(info->socket_context);
}

MhdDaemon::MhdDaemon(int listen_fd, const HttpLimits& limits, HttpDaemonEvents events)
    : limits_(limits), events_(std::move(events)) {
  // The connection's memory holds what is read and what is written, so the headers have half of it.
  daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE, 0, nullptr, nullptr, &MhdDaemon::on_data, this,
      MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, connection_limit(limits.connections),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, 2 * limits.header_bytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_NOTIFY_CONNECTION, &MhdDaemon::on_connection, this, MHD_OPTION_NOTIFY_COMPLETED,
      &MhdDaemon::on_completed, this, MHD_OPTION_UNESCAPE_CALLBACK, &MhdDaemon::leave_escaped, this, MHD_OPTION_END);
  if (daemon_ == nullptr) {
    close(listen_fd);
    throw IoError("the HTTP server cannot be started: libmicrohttpd takes the socket not; is it built with epoll?");
  }
}

MhdDaemon::~MhdDaemon() {
  ending_ = true;
  for (Connection& connection : connections_) connection.resume();
  MHD_stop_daemon(daemon_);
}

std::optional<std::chrono::milliseconds> MhdDaemon::timeout() const {
  MHD_UNSIGNED_LONG_LONG ms = 0;
  if (MHD_get_timeout(daemon_, &ms) != MHD_YES) return std::nullopt;
  return std::chrono::milliseconds(ms);
}

void MhdDaemon::end_slow_ones() {
  const Clock::time_point now = Clock::now();
  for (Connection& connection : connections_) {
    const bool late = now - connection.since > limits_.step;
    switch (connection.step) {
      case Step::kHead:
      case Step::kBody:
      case Step::kAnswer:
        if (late) connection.cut();
        break;
      case Step::kStream: {
        // While there is nothing to send nobody would see that the client has left.
        char byte = 0;
        const bool left = connection.suspended && recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
        if (left || (late && !connection.suspended)) connection.cut();
        break;
      }
      case Step::kWork:
      case Step::kUpgraded:
        break;
    }
  }
}

void MhdDaemon::drain() {
  if (std::exchange(draining_, true)) return;
  const MHD_socket listener = MHD_quiesce_daemon(daemon_);
  if (listener != MHD_INVALID_SOCKET) close(listener);
  for (Connection& connection : connections_) {
    if (connection.step == Step::kHead || connection.step == Step::kStream) connection.cut();
  }
}

void MhdDaemon::on_connection(void* self, MHD_Connection* handle, void** context, MHD_ConnectionNotificationCode code) {
  auto& daemon = *static_cast<MhdDaemon*>(self);
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    const auto* gone = static_cast<Connection*>(*context);
    std::erase_if(daemon.connections_, [&](const Connection& connection) { return &connection == gone; });
    return;
  }
  const auto* info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
  Connection& connection = daemon.connections_.emplace_back();
  connection.handle = handle;
  connection.fd = info == nullptr ? -1 : info->connect_fd;
  *context = &connection;
}

MHD_Result MhdDaemon::on_data(void* self, MHD_Connection* handle, const char* url, const char* method,
                              const char* /*version*/, const char* data, size_t* size, void** state) {
  auto& daemon = *static_cast<MhdDaemon*>(self);
  Connection* connection = connection_of(handle);
  if (connection == nullptr || daemon.ending_) return MHD_NO;
  try {
    if (*state == nullptr) return daemon.begin(*connection, url, method, state);
    if (*size > 0) return daemon.take_body(*connection->exchange, {data, std::exchange(*size, 0)});
    return daemon.finish(*connection);
  } catch (const std::bad_alloc&) {
    return MHD_NO;  // closes the connection
  }
}

MHD_Result add_header(void* request, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  static_cast<HttpRequest*>(request)->headers.emplace_back(std::move(lower), value == nullptr ? "" : value);
  return MHD_YES;
}

MHD_Result add_argument(void* request, MHD_ValueKind /*kind*/, const char* name, const char* value) {
  std::optional<std::string> key = percent_decoded(name, true);
  std::optional<std::string> text = percent_decoded(value == nullptr ? "" : value, true);
  if (key && text) static_cast<HttpRequest*>(request)->query.emplace_back(std::move(*key), std::move(*text));
  return MHD_YES;
}

uint64_t declared_length(const HttpRequest& request) {
  const std::string_view text = request.header("content-length");
  uint64_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);  // libmicrohttpd has refused all but digits
  return bytes;
}

MHD_Result MhdDaemon::begin(Connection& connection, const char* url, const char* method, void** state) {
  auto exchange = std::make_shared<MhdExchange>();
  exchange->connection = &connection;
  connection.exchange = exchange;
  *state = exchange.get();
  connection.enter(Step::kBody);
  HttpRequest& request = exchange->request;
  request.method = std::string_view(method) == "HEAD" ? "GET" : method;
  request.path = url;
  MHD_get_connection_values(connection.handle, MHD_HEADER_KIND, &add_header, &request);
  MHD_get_connection_values(connection.handle, MHD_GET_ARGUMENT_KIND, &add_argument, &request);

  std::optional<HttpResponse> refusal = events_.on_head(request, exchange->max_body);
  const uint64_t declared = declared_length(request);
  if (!refusal && declared > exchange->max_body) {
    refusal = json_error(kBodyTooLarge,
                         fmt::format("the body has {} bytes; at most {} are taken here", declared, exchange->max_body));
  }
  if (!refusal && bodies_bytes_ + declared > limits_.bodies_bytes) {
    refusal = json_error(kTooManyBodies, "too many large requests at a time; try again later");
    refusal->headers.emplace_back("Retry-After", "1");
  }
  if (!refusal) return MHD_YES;
  exchange->response = std::move(refusal);
  exchange->asked = true;
  const bool waits = !request.header("expect").empty() || closes_connection(*exchange->response);
  return declared <= kMaxThrownAway && !waits ? MHD_YES : send(connection);
}

MHD_Result MhdDaemon::take_body(MhdExchange& exchange, std::string_view data) {
  std::string& body = exchange.request.body;
  if (!exchange.asked && body.size() + data.size() > exchange.max_body) {  // of chunks, which declare nothing
    exchange.response = json_error(
        kBodyTooLarge, fmt::format("the body has more than the {} bytes that are taken here", exchange.max_body));
    exchange.asked = true;
  }
  if (exchange.asked) {
    exchange.thrown_away += data.size();
    return exchange.thrown_away <= kMaxThrownAway ? MHD_YES : MHD_NO;
  }
  if (bodies_bytes_ + data.size() > limits_.bodies_bytes) return MHD_NO;
  if (body.empty()) body.reserve(std::max<uint64_t>(data.size(), declared_length(exchange.request)));
  body.append(data);
  bodies_bytes_ += data.size();
  exchange.body_bytes += data.size();
  return MHD_YES;
}

MHD_Result MhdDaemon::finish(Connection& connection) {
  const std::shared_ptr<MhdExchange> exchange = connection.exchange;
  if (!std::exchange(exchange->asked, true)) {
    connection.enter(Step::kWork);
    events_.on_request(exchange);
  }
  if (exchange->response) return send(connection);
  connection.suspend();
  return MHD_YES;
}

MHD_Response* MhdDaemon::make_response(const std::shared_ptr<MhdExchange>& exchange) {
  HttpResponse& given = *exchange->response;
  if (exchange->take_socket) return MHD_create_response_for_upgrade(&MhdDaemon::on_upgraded, this);
  if (given.stream) {
    auto body = std::make_unique<StreamedBody>(StreamedBody{given.stream, exchange});
    given.stream->on_more([weak = std::weak_ptr(exchange)] {
      const std::shared_ptr<MhdExchange> waiting = weak.lock();
      if (waiting && waiting->connection != nullptr) waiting->connection->resume();
    });
    MHD_Response* response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &MhdDaemon::read_stream,
                                                               body.get(), &MhdDaemon::free_stream);
    if (response != nullptr) body.release();  // NOLINT(bugprone-unused-return-value)
    return response;
  }
  auto body = std::make_unique<std::string>(std::move(given.body));
  MHD_Response* response = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* owned) { delete static_cast<std::string*>(owned); }, body.get());
  if (response != nullptr) body.release();  // NOLINT(bugprone-unused-return-value)
  return response;
}

MHD_Result MhdDaemon::send(Connection& connection) {
  const std::shared_ptr<MhdExchange> exchange = connection.exchange;
  MHD_Response* response = make_response(exchange);
  if (response == nullptr) return MHD_NO;
  const HttpResponse& given = *exchange->response;
  if (!given.content_type.empty()) MHD_add_response_header(response, "Content-Type", given.content_type.c_str());
  for (const auto& [name, value] : given.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
  if (draining_) MHD_add_response_header(response, "Connection", "close");
  const auto step = exchange->take_socket ? Step::kUpgraded : given.stream ? Step::kStream : Step::kAnswer;
  connection.enter(step);
  const MHD_Result result = MHD_queue_response(connection.handle, static_cast<unsigned>(given.status), response);
  MHD_destroy_response(response);
  if (events_.on_answer) events_.on_answer(exchange->request, given.status);
  return result;
}

ssize_t MhdDaemon::read_stream(void* body, uint64_t /*position*/, char* dst, size_t max) {
  const auto& streamed = *static_cast<StreamedBody*>(body);
  Connection* connection = streamed.exchange->connection;
  if (connection == nullptr || connection->is_cut) return MHD_CONTENT_READER_END_WITH_ERROR;
  const std::optional<std::string_view> data = streamed.stream->read(max);
  if (!data) return MHD_CONTENT_READER_END_OF_STREAM;
  connection->since = Clock::now();
  if (data->empty()) {
    connection->suspend();
    return 0;
  }
  std::memcpy(dst, data->data(), data->size());
  return static_cast<ssize_t>(data->size());
}

void MhdDaemon::on_upgraded(void* /*self*/, MHD_Connection* handle, void* /*state*/, const char* extra,
                            size_t extra_size, MHD_socket fd, MHD_UpgradeResponseHandle* upgrade) {
  auto socket = std::make_unique<MhdSocket>(fd, std::string(extra_size == 0 ? "" : extra, extra_size), upgrade);
  const Connection* connection = connection_of(handle);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connection != nullptr && connection->exchange) connection->exchange->take_socket(std::move(socket));
}

void MhdDaemon::on_completed(void* self, MHD_Connection* handle, void** state, MHD_RequestTerminationCode /*code*/) {
  auto& daemon = *static_cast<MhdDaemon*>(self);
  *state = nullptr;
  Connection* connection = connection_of(handle);
  if (connection == nullptr || !connection->exchange) return;
  daemon.bodies_bytes_ -= connection->exchange->body_bytes;
  connection->exchange->connection = nullptr;
  connection->exchange.reset();
  connection->enter(Step::kHead);
}

}  // namespace
}  // namespace zoo::serve

extern "C" [[gnu::visibility("default")]] const zoo::serve::HttpDaemonModule* zoo_module_httpd() {
  static constexpr zoo::serve::HttpDaemonModule kModule = {
      [](int listen_fd, const zoo::serve::HttpLimits& limits,
         zoo::serve::HttpDaemonEvents events) -> std::unique_ptr<zoo::serve::HttpDaemon> {
        return std::make_unique<zoo::serve::MhdDaemon>(listen_fd, limits, std::move(events));
      },
  };
  return &kModule;
}
