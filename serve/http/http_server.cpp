#include "serve/http/http_server.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sys/epoll.h>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "nn/core/start_thread.h"
#include "serve/http/event_loop.h"
#include "serve/http/framing.h"
#include "serve/http/letter_case.h"
#include "serve/http/request_guard.h"
#include "serve/http/websocket_connection.h"
#include "serve/http/websocket_frames.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kTick = 250ms;
constexpr auto kDrainTurn = 20ms;

struct Route {
  std::string method;
  std::string pattern;
  RouteOptions options;
  HttpHandler handler;
  WebSocketFactory factory;  ///< of a WebSocket, instead
};

std::string websocket_problem(const HttpRequest& request) {
  if (!equal_ignoring_case(request.header("upgrade"), "websocket")) return "this address is a WebSocket";
  if (request.header("sec-websocket-version") != "13") return "Sec-WebSocket-Version 13 is expected";
  if (!websocket_accept(request.header("sec-websocket-key"))) return "Sec-WebSocket-Key: 16 bytes are expected";
  return {};
}

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<HttpServer::Impl> {
 public:
  explicit Impl(HttpServerOptions options);
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void start();
  void stop();
  bool in_loop() const { return std::this_thread::get_id() == loop_thread_; }

  const HttpServerOptions options_;
  ListenSocket socket_;
  const ListenAddress address_;
  const RequestGuard guard_;
  std::vector<Route> routes_;
  EventLoop loop_;
  std::atomic<size_t> connections_ = 0;
  std::mutex stopping_;

 private:
  void serve();
  void turn(std::chrono::milliseconds longest);
  void tick();
  void drain();
  const Route* find(HttpRequest& request, std::vector<std::string>& methods) const;
  std::optional<HttpResponse> on_head(const HttpRequest& head, size_t& max_body) const;
  void on_request(const std::shared_ptr<HttpExchange>& exchange);
  void open_websocket(const Route& route, const std::shared_ptr<HttpExchange>& exchange);
  void on_answer(const HttpRequest& request, int status) const;

  std::unique_ptr<HttpDaemon> daemon_;
  std::vector<std::shared_ptr<WebSocketConnection>> websockets_;
  Clock::time_point ticked_at_ = Clock::now();
  std::atomic<bool> stop_ = false;
  std::atomic<std::thread::id> loop_thread_{};
  std::jthread thread_;
};

struct Responder::Shared {
  Shared(std::weak_ptr<HttpServer::Impl> impl, std::shared_ptr<HttpExchange> answered)
      : server(std::move(impl)), exchange(std::move(answered)) {}
  ~Shared() {
    if (!done) give(json_error(500, "the server gave no answer"));
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  void give(HttpResponse response) {
    if (done.exchange(true)) return;
    const std::shared_ptr<HttpServer::Impl> impl = server.lock();
    if (!impl) return;
    if (impl->in_loop()) {
      exchange->answer(std::move(response));
      return;
    }
    impl->loop_.post([to = std::move(exchange), moved = std::make_shared<HttpResponse>(std::move(response))] {
      to->answer(std::move(*moved));
    });
  }

  const std::weak_ptr<HttpServer::Impl> server;
  std::shared_ptr<HttpExchange> exchange;
  std::atomic<bool> done = false;
};

void Responder::answer(HttpResponse response) const { shared_->give(std::move(response)); }

HttpServer::Impl::Impl(HttpServerOptions options)
    : options_(std::move(options)),
      socket_(options_.listen),
      address_(socket_.address()),
      guard_({.loopback = socket_.is_loopback(), .host = options_.listen.host, .token = options_.token}) {
  if (!socket_.is_loopback() && options_.token.empty()) {
    throw Error(fmt::format(
        "--listen {}: other machines reach this address, so a token is required: in the environment variable "
        "BACKBONE_ZOO_TOKEN, or after --token, which other users of this machine can see; 127.0.0.1 is "
        "for this machine alone",
        to_string(options_.listen)));
  }
}

void HttpServer::Impl::start() {
  HttpDaemonEvents events;
  events.on_head = [this](const HttpRequest& head, size_t& max_body) { return on_head(head, max_body); };
  events.on_request = [this](const std::shared_ptr<HttpExchange>& exchange) { on_request(exchange); };
  if (options_.on_access) {
    events.on_answer = [this](const HttpRequest& request, int status) { on_answer(request, status); };
  }
  daemon_ = httpd_module().start(socket_.release(), options_.limits, std::move(events));
  loop_.watch(daemon_->epoll_fd(), EPOLLIN, [](uint32_t) {});  // turn() runs it
  thread_ = start_thread("zoo-http", [this] { serve(); });
}

void HttpServer::Impl::stop() {
  const std::scoped_lock lock(stopping_);
  stop_ = true;
  loop_.post([] {});
  if (thread_.joinable()) thread_.join();
}

void HttpServer::Impl::serve() {
  loop_thread_ = std::this_thread::get_id();
  while (!stop_) turn(kTick);
  drain();
  loop_.forget(daemon_->epoll_fd());
  for (const auto& websocket : websockets_) websocket->leave();
  websockets_.clear();
  daemon_.reset();
  loop_.close();
  connections_ = 0;
}

void HttpServer::Impl::turn(std::chrono::milliseconds longest) {
  loop_.turn(std::min(longest, daemon_->timeout().value_or(longest)));
  daemon_->run();
  if (Clock::now() - ticked_at_ >= kTick) tick();
}

void HttpServer::Impl::tick() {
  ticked_at_ = Clock::now();
  daemon_->end_slow_ones();
  for (const auto& websocket : websockets_) websocket->tick();
  std::erase_if(websockets_, [](const auto& websocket) { return !websocket->is_open(); });
  connections_ = daemon_->connections();
}

void HttpServer::Impl::drain() {
  const Clock::time_point end = Clock::now() + options_.drain;
  for (const auto& websocket : websockets_) websocket->close("the server ends");
  daemon_->drain();
  const auto said_goodbye = [](const auto& websocket) { return websocket->unsent() == 0; };
  while (Clock::now() < end) {
    std::erase_if(websockets_, [](const auto& websocket) { return !websocket->is_open(); });
    // Nobody waits for the goodbyes of clients.
    if (daemon_->connections() <= websockets_.size() && std::ranges::all_of(websockets_, said_goodbye)) break;
    turn(kDrainTurn);
  }
}

/// Else `methods` has those of the path, if there are any.
const Route* HttpServer::Impl::find(HttpRequest& request, std::vector<std::string>& methods) const {
  for (const Route& route : routes_) {
    if (!matches(route.pattern, request.path, request.parameters)) continue;
    if (route.method == request.method) return &route;
    methods.push_back(route.method);
  }
  return nullptr;
}

std::optional<HttpResponse> HttpServer::Impl::on_head(const HttpRequest& head, size_t& max_body) const {
  if (std::optional<HttpResponse> refusal = framing_problem(head)) return refusal;
  HttpRequest request = head;
  std::vector<std::string> methods;
  const Route* route = find(request, methods);
  const bool changes = request.method != "GET" || (route != nullptr && (route->factory || route->options.changes));
  const bool open = route != nullptr && (route->options.open || route->options.max_body_without_token > 0);
  if (std::optional<HttpResponse> refusal = guard_.refusal(request, changes, open)) return refusal;
  if (route == nullptr) {
    if (methods.empty()) return json_error(404, "there is nothing at this address");
    const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
    HttpResponse response =
        json_error(405, fmt::format("{} is not for this address; send {}", printable(head.method), allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  if (route->factory) {
    const std::string problem = websocket_problem(request);
    if (!problem.empty()) return json_error(426, problem);
  }
  max_body = route->options.max_body;
  if (!route->options.open && !guard_.has_token(request)) {
    max_body = std::min(max_body, route->options.max_body_without_token);
  }
  return std::nullopt;
}

void HttpServer::Impl::on_request(const std::shared_ptr<HttpExchange>& exchange) {
  std::vector<std::string> methods;
  const Route* route = find(exchange->request, methods);
  if (stop_ || route == nullptr) {
    exchange->answer(json_error(503, "the server ends"));
    return;
  }
  const Responder responder(std::make_shared<Responder::Shared>(weak_from_this(), exchange));
  try {
    if (route->factory) {
      open_websocket(*route, exchange);
      responder.shared_->done = true;
    } else {
      route->handler(exchange->request, responder);
    }
  } catch (const Error& error) {
    responder.answer(json_error(400, error.what()));
  } catch (const std::exception& error) {
    responder.answer(json_error(500, shortened(error.what())));
  }
}

void HttpServer::Impl::open_websocket(const Route& route, const std::shared_ptr<HttpExchange>& exchange) {
  const std::string accept = *websocket_accept(exchange->request.header("sec-websocket-key"));
  const TextPairs headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept}};
  exchange->upgrade(headers, [this, &route, request = exchange->request](std::unique_ptr<UpgradedSocket> socket) {
    const auto websocket = std::make_shared<WebSocketConnection>(loop_, std::move(socket));
    websockets_.push_back(websocket);
    websocket->start(route.factory(request, websocket));
  });
}

void HttpServer::Impl::on_answer(const HttpRequest& request, int status) const {
  options_.on_access(fmt::format("{} {} {}", shortened(request.method), shortened(request.path), status));
}

HttpServer::HttpServer(HttpServerOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}
HttpServer::~HttpServer() { impl_->stop(); }

void HttpServer::route(const std::string& method, const std::string& pattern, const RouteOptions& options,
                       HttpHandler handler) {
  impl_->routes_.push_back({method, pattern, options, std::move(handler), {}});
}

void HttpServer::websocket(const std::string& pattern, WebSocketFactory factory) {
  impl_->routes_.push_back({"GET", pattern, {}, {}, std::move(factory)});
}

bool HttpServer::has_token(const HttpRequest& request) const { return impl_->guard_.has_token(request); }
bool HttpServer::is_token(std::string_view text) const { return impl_->guard_.is_token(text); }
void HttpServer::start() { impl_->start(); }
void HttpServer::stop() { impl_->stop(); }
std::string HttpServer::url() const { return "http://" + to_string(impl_->address_); }
const ListenAddress& HttpServer::address() const { return impl_->address_; }
void HttpServer::post(std::function<void()> task) { impl_->loop_.post(std::move(task)); }
size_t HttpServer::connections() const { return impl_->connections_; }

}  // namespace zoo::serve
