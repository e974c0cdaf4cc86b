// The server over real sockets: what it answers, what it refuses, what it survives.
#include "serve/http/http_server.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/core/error.h"
#include "tests/serve/client.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
using test::Answer;
using test::ask;
using test::get;
using test::RawClient;
using test::read_answer;
using test::WebSocketClient;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

HttpServerOptions any_port() {
  HttpServerOptions options;
  options.listen.port = 0;
  return options;
}

/// Says what it was sent.
class EchoSocket : public WebSocketHandler {
 public:
  explicit EchoSocket(std::shared_ptr<WebSocket> socket) : socket_(std::move(socket)) {}
  void on_text(std::string_view text) override {
    if (text == "bye") {
      socket_->close("as asked");
    } else {
      socket_->send_text(text);
    }
  }

 private:
  const std::shared_ptr<WebSocket> socket_;
};

/// Ten pieces, one after the other, each when it is asked for.
class Pieces : public BodyStream {
 public:
  std::optional<std::string_view> read(size_t /*max*/) override {
    if (count_ == 10) return std::nullopt;
    piece_ = "piece " + std::to_string(count_++) + "\n";
    return piece_;
  }
  void on_more(std::function<void()> /*wake*/) override {}

 private:
  int count_ = 0;
  std::string piece_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions options = any_port()) {
    server_ = std::make_unique<HttpServer>(std::move(options));
    server_->route("POST", "/echo", {.max_body = 100'000}, [](const HttpRequest& request, const Responder& responder) {
      responder.answer({.content_type = "text/plain", .body = request.body});
    });
    server_->route("GET", "/hello/{name}", {}, [](const HttpRequest& request, const Responder& responder) {
      responder.answer({.content_type = "text/plain", .body = "hello " + request.parameters.at("name")});
    });
    server_->route("GET", "/open", {.open = true}, [](const HttpRequest&, const Responder& responder) {
      responder.answer({.content_type = "text/plain", .body = "open"});
    });
    server_->route("GET", "/wrong", {}, [](const HttpRequest&, const Responder&) { throw Error("that is wrong"); });
    server_->route("GET", "/forgotten", {}, [](const HttpRequest&, const Responder&) {});
    server_->route("GET", "/pieces", {}, [](const HttpRequest&, const Responder& responder) {
      responder.answer({.content_type = "text/plain", .stream = std::make_shared<Pieces>()});
    });
    server_->route("GET", "/later", {}, [this](const HttpRequest&, const Responder& responder) {
      const std::scoped_lock lock(mutex_);
      waiting_.push_back(responder);
      came_.notify_all();
    });
    server_->websocket("/ws", [](const HttpRequest&, const std::shared_ptr<WebSocket>& socket) {
      return std::make_shared<EchoSocket>(socket);
    });
    server_->start();
    port_ = server_->address().port;
  }

  void wait_for_later(size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return waiting_.size() >= count; });
  }

  void expect_alive() const { EXPECT_EQ(get(port_, "/hello/you").body, "hello you"); }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Responder> waiting_;
  int port_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersRoutes) {
  start();
  EXPECT_EQ(get(port_, "/hello/a%20b").body, "hello a b");
  const std::string body(100'000, 'x');
  EXPECT_EQ(ask(port_, "POST", "/echo", body).body, body);
  EXPECT_EQ(get(port_, "/nothing").status, 404);
  EXPECT_EQ(get(port_, "/echo").status, 405);
  EXPECT_EQ(ask(port_, "BREW", "/echo").status, 405);
  const Answer wrong = get(port_, "/wrong");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.body, "{\"error\":\"that is wrong\"}\n");
  EXPECT_EQ(get(port_, "/forgotten").status, 500);
}

TEST_F(HttpServerTest, KeepsConnectionsAndAnswersInOrder) {
  start();
  RawClient client(port_);
  const std::string one = "GET /hello/1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string two = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\ntwo";
  client.send(one + two + one + two + two);
  for (const char* expected : {"hello 1", "two", "hello 1", "two", "two"}) {
    EXPECT_EQ(read_answer(client).body, expected);
  }
}

TEST_F(HttpServerTest, TakesChunksAndThoseWhoAskBefore) {
  start();
  RawClient chunks(port_);
  chunks.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(read_answer(chunks).body, "abcde");
  RawClient asks(port_);
  asks.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(asks.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  asks.send("abc");
  EXPECT_EQ(read_answer(asks).body, "abc");
}

TEST_F(HttpServerTest, AnswersFromOtherThreadsInAnyOrder) {
  start();
  constexpr size_t kClients = 20;
  std::vector<RawClient> clients;
  for (size_t i = 0; i < kClients; ++i) {
    clients.emplace_back(port_);
    clients.back().send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_for_later(i + 1);
  }
  expect_alive();
  {
    std::jthread other([&] {
      for (size_t i = kClients; i-- > 0;) waiting_[i].answer({.content_type = "text/plain", .body = std::to_string(i)});
    });
  }
  for (size_t i = 0; i < kClients; ++i) EXPECT_EQ(read_answer(clients[i]).body, std::to_string(i));
}

TEST_F(HttpServerTest, AnswersToThoseWhoLeftGoNowhere) {
  start();
  {
    RawClient client(port_);
    client.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_for_later(1);
  }
  waiting_[0].answer({.body = "late"});
  expect_alive();
  waiting_[0].answer({.body = "twice"});
  expect_alive();
}

TEST_F(HttpServerTest, StreamsPieces) {
  start();
  RawClient client(port_);
  client.send("GET /pieces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_to_end().value_or("");
  for (int i = 0; i < 10; ++i) EXPECT_THAT(all, HasSubstr("piece " + std::to_string(i)));
}

TEST_F(HttpServerTest, RefusesLargeBodiesBeforeTheyCome) {
  start();
  RawClient client(port_);
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
  const Answer answer = read_answer(client);
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("at most 100000"));
  // A small one is read to its end, so that its client sees the answer.
  EXPECT_EQ(ask(port_, "POST", "/echo", std::string(500'000, 'x')).status, 413);
  RawClient chunks(port_);
  chunks.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) chunks.send("4000\r\n" + std::string(0x4000, 'x') + "\r\n");
  chunks.send("0\r\n\r\n");
  EXPECT_EQ(read_answer(chunks).status, 413);
  expect_alive();
}

TEST_F(HttpServerTest, BoundsAllBodiesTogether) {
  HttpServerOptions options = any_port();
  options.limits.bodies_bytes = 150'000;
  start(options);
  RawClient first(port_);
  first.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + std::string(90'000, 'x'));
  for (int i = 0; i < 1000 && ask(port_, "POST", "/echo", std::string(80'000, 'y')).status != 503; ++i) {
  }  // until the first has arrived
  EXPECT_EQ(ask(port_, "POST", "/echo", std::string(80'000, 'y')).status, 503);
  first.send(std::string(10'000, 'x'));
  EXPECT_EQ(read_answer(first).status, 200);
  EXPECT_EQ(ask(port_, "POST", "/echo", std::string(80'000, 'y')).status, 200);
}

TEST_F(HttpServerTest, BoundsHeaders) {
  start();
  EXPECT_EQ(ask(port_, "GET", "/hello/x", {}, "Host: localhost\r\nX: " + std::string(100'000, 'a') + "\r\n").status,
            431);
  std::string many = "Host: localhost\r\n";
  for (int i = 0; i < 5'000; ++i) many += "X-a: b\r\n";
  EXPECT_EQ(ask(port_, "GET", "/hello/x", {}, many).status, 431);
  EXPECT_THAT(get(port_, "/" + std::string(100'000, 'a')).status, AnyOf(414, 431));
  expect_alive();
}

TEST_F(HttpServerTest, KeepsPagesOfOtherNamesAndSitesAway) {
  start();
  EXPECT_EQ(ask(port_, "GET", "/open", {}, "Host: evil.example\r\n").status, 403);
  EXPECT_EQ(ask(port_, "GET", "/open", {}, "Host: evil.example:8080\r\n").status, 403);
  EXPECT_EQ(ask(port_, "GET", "/open", {}, "Host: 127.0.0.1.evil.example\r\n").status, 403);
  EXPECT_EQ(ask(port_, "GET", "/open", {}, "").status, 400);
  for (const char* host : {"localhost", "LOCALHOST:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:80"}) {
    EXPECT_EQ(ask(port_, "GET", "/open", {}, std::string("Host: ") + host + "\r\n").status, 200) << host;
  }
  EXPECT_EQ(ask(port_, "POST", "/echo", "x", "Host: localhost:1\r\nOrigin: http://evil.example\r\n").status, 403);
  EXPECT_EQ(ask(port_, "POST", "/echo", "x", "Host: localhost:1\r\nOrigin: null\r\n").status, 403);
  EXPECT_EQ(ask(port_, "POST", "/echo", "x", "Host: localhost:1\r\nOrigin: http://localhost:1\r\n").status, 200);
  EXPECT_EQ(WebSocketClient(port_, "/ws", "Origin: http://evil.example\r\n").status(), 403);
  EXPECT_EQ(WebSocketClient(port_, "/ws", "Origin: http://127.0.0.1\r\n").status(), 101);
}

TEST_F(HttpServerTest, AsksForTheTokenAndNeverShowsIt) {
  HttpServerOptions options = any_port();
  options.token = "s3cret";
  std::mutex mutex;
  std::string log;
  options.on_access = [&](const std::string& line) {
    const std::scoped_lock lock(mutex);
    log += line + "\n";
  };
  start(options);
  EXPECT_EQ(get(port_, "/hello/x").status, 401);
  EXPECT_EQ(get(port_, "/hello/x?token=wrong").status, 401);
  EXPECT_EQ(get(port_, "/hello/x?token=").status, 401);
  EXPECT_EQ(get(port_, "/hello/x?token=s3cret").status, 200);
  EXPECT_EQ(ask(port_, "GET", "/hello/x", {}, "Host: localhost\r\nAuthorization: Bearer s3cret\r\n").status, 200);
  EXPECT_EQ(ask(port_, "GET", "/hello/x", {}, "Host: localhost\r\nAuthorization: Bearer s3cre\r\n").status, 401);
  EXPECT_EQ(get(port_, "/open").status, 200);
  EXPECT_EQ(WebSocketClient(port_, "/ws").status(), 401);
  EXPECT_EQ(WebSocketClient(port_, "/ws?token=s3cret").status(), 101);
  server_->stop();
  EXPECT_THAT(log, HasSubstr("GET /hello/x 401\n"));
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
}

TEST_F(HttpServerTest, SpeaksWebSocket) {
  start();
  WebSocketClient client(port_);
  ASSERT_EQ(client.status(), 101);
  for (const size_t size : {size_t{0}, size_t{5}, size_t{200}, size_t{60'000}}) {
    client.send_text(std::string(size, 'x'));
    EXPECT_EQ(client.read()->payload, std::string(size, 'x'));
  }
  client.send_frame(0x89, "ping");
  EXPECT_EQ(client.read()->opcode, WsOpcode::kPong);
  client.send_frame(0x01, "in ");
  client.send_frame(0x00, "three ");
  client.send_frame(0x89, "");
  EXPECT_EQ(client.read()->opcode, WsOpcode::kPong);
  client.send_frame(0x80, "frames");
  EXPECT_EQ(client.read()->payload, "in three frames");
  client.send_text("bye");
  const std::optional<WsMessage> goodbye = client.read();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(goodbye->opcode, WsOpcode::kClose);
  client.send_frame(0x88, "");
  EXPECT_FALSE(client.read());
}

TEST_F(HttpServerTest, EndsWebSocketsThatBreakTheRules) {
  start();
  for (const std::string& bytes :
       {std::string("\x81\x05hello"), std::string("\xff\xff\xff\xff"), std::string("\x83\x80\0\0\0\0", 6),
        std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14), std::string("\x81\x82\0\0\0\0\xff\xff", 8),
        std::string("\x80\x80\0\0\0\0", 6), std::string("\x09\x80\0\0\0\0", 6)}) {
    WebSocketClient client(port_);
    client.send_raw(bytes);
    const std::optional<WsMessage> goodbye = client.read();
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(goodbye->opcode, WsOpcode::kClose);
  }
  EXPECT_EQ(ask(port_, "GET", "/ws").status, 426);
  expect_alive();
}

TEST_F(HttpServerTest, SurvivesGarbage) {
  HttpServerOptions options = any_port();
  options.limits.step = 500ms;  // ends those whose garbage is the beginning of a request
  start(options);
  std::mt19937 random(7);
  using namespace std::string_literals;
  const std::string alphabet = "GETPOST /HTTP/1.1\r\n\r\n: aX\0\xff%{}[]\""s;
  for (int round = 0; round < 300; ++round) {
    RawClient client(port_);
    std::string bytes = round % 2 == 0 ? "" : "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
    const size_t size = random() % 300;
    for (size_t i = 0; i < size; ++i) bytes += alphabet[random() % alphabet.size()];
    client.send(bytes);
    client.finish_sending();
    EXPECT_TRUE(client.read_to_end()) << "round " << round;
  }
  for (const char* head :
       {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
    RawClient client(port_);
    client.send(head);
    client.finish_sending();
    const std::optional<std::string> answer = client.read_to_end();
    ASSERT_TRUE(answer) << head;
    EXPECT_THAT(*answer, Not(StartsWith("HTTP/1.1 200"))) << head;
  }
  expect_alive();
}

// What a proxy in front may read in another way is answered once, and the connection closed.
TEST_F(HttpServerTest, RefusesRequestsWhoseEndIsAmbiguous) {
  start();
  const std::string next = "GET /hello/you HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string length = "Content-Length: " + std::to_string(next.size()) + "\r\n";
  const std::pair<std::string, std::string> heads[] = {
      {"Host: localhost\r\nContent-Length: 0\r\n" + length, "HTTP/1.1 400"},
      {"Host: localhost\r\nTransfer-Encoding: chunked\r\n" + length, "HTTP/1.1 400"},
      {"Host: localhost\r\nHost: elsewhere\r\n" + length, "HTTP/1.1 400"},
      {"Host: localhost\r\nTransfer-Encoding: xchunked\r\n" + length, "HTTP/1.1 501"},
      {"Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", "HTTP/1.1 501"},
  };
  for (const auto& [head, status] : heads) {
    RawClient client(port_);
    client.send("POST /echo HTTP/1.1\r\n" + head + "\r\n" + next);
    const std::optional<std::string> answer = client.read_to_end();
    ASSERT_TRUE(answer) << head;
    EXPECT_THAT(*answer, StartsWith(status)) << head;
    EXPECT_THAT(*answer, Not(HasSubstr("hello you"))) << head;
  }
  expect_alive();
}

TEST_F(HttpServerTest, EndsThoseWhoTakeTheirTime) {
  HttpServerOptions options = any_port();
  options.limits.step = 300ms;
  start(options);
  std::vector<RawClient> slow;
  for (const char* begin : {"", "GET /hello/x HTTP/1.1\r\nHost: local",
                            "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"}) {
    slow.emplace_back(port_);
    slow.back().send(begin);
  }
  // Every byte counts for nothing: the step as a whole has its time.
  RawClient drips(port_);
  while (drips.send("x")) std::this_thread::sleep_for(10ms);
  for (RawClient& client : slow) EXPECT_TRUE(client.read_to_end());
  expect_alive();
}

TEST_F(HttpServerTest, IdleClientsDelayNobody) {
  start();
  std::vector<RawClient> idle;
  for (int i = 0; i < 400; ++i) {
    idle.emplace_back(port_);
    if (i % 3 == 1) idle.back().send("GET /hello/x HTTP/1.1\r\n");
    if (i % 3 == 2) idle.back().send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc");
  }
  for (int i = 0; i < 50; ++i) expect_alive();
}

TEST_F(HttpServerTest, TakesFurtherClientsWhenOthersLeave) {
  HttpServerOptions options = any_port();
  options.limits.connections = 8;
  start(options);
  std::vector<RawClient> first;
  for (int i = 0; i < 8; ++i) first.emplace_back(port_);
  for (RawClient& client : first) {
    client.send("GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(read_answer(client).status, 200);
  }
  RawClient ninth(port_);
  ninth.send("GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  first.clear();
  EXPECT_EQ(read_answer(ninth).status, 200);
}

TEST_F(HttpServerTest, FinishesWhatIsUnderWay) {
  start();
  RawClient client(port_);
  client.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  wait_for_later(1);
  const RawClient idle(port_);
  WebSocketClient websocket(port_);
  std::jthread stopping([&] { server_->stop(); });
  EXPECT_EQ(websocket.read()->opcode, WsOpcode::kClose);
  waiting_[0].answer({.content_type = "text/plain", .body = "done"});
  const Answer answer = read_answer(client);
  EXPECT_EQ(answer.body, "done");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  stopping.join();
  EXPECT_THROW(RawClient{port_}, std::system_error);
  server_->stop();
}

TEST_F(HttpServerTest, StopsAlthoughAnAnswerNeverComes) {
  HttpServerOptions options = any_port();
  options.drain = 50ms;
  start(options);
  RawClient client(port_);
  client.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  wait_for_later(1);
  server_->stop();
  EXPECT_TRUE(client.read_to_end());
  waiting_[0].answer({.body = "too late"});
}

TEST(HttpServer, AsksForATokenWhereOthersReachIt) {
  HttpServerOptions options = any_port();
  options.listen.host = "0.0.0.0";
  EXPECT_THROW(
      {
        try {
          const HttpServer server(options);
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("--token"));
          throw;
        }
      },
      Error);
  options.token = "s3cret";
  EXPECT_NO_THROW(const HttpServer server(options));
}

TEST(HttpServer, SaysThatAPortIsTaken) {
  const HttpServer first(any_port());
  HttpServerOptions options = any_port();
  options.listen.port = first.address().port;
  try {
    const HttpServer second(options);
    FAIL() << "the port is taken";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("another program listens there already; choose another port, e.g. --listen"));
  }
}

TEST(ListenAddress, IsReadAndWritten) {
  for (const char* text : {"127.0.0.1:8080", "localhost:0", "[::1]:65535", "0.0.0.0:80"}) {
    EXPECT_EQ(to_string(listen_address_from(text)), text);
  }
}

TEST(ListenAddress, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"8080", "there is no port"}, {"localhost", "there is no port"}, {":80", "there is no host"},
      {"a:b", "\"b\" is no port"},  {"a:65536", "is no port"},         {"a:-1", "is no port"},
      {"::1:80", "needs brackets"}, {"[::1:80", "is not closed"},      {"a:", "\"\" is no port"},
  };
  for (const auto& [text, problem] : kWrong) {
    try {
      listen_address_from(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(problem)) << text;
      EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:8080"));
    }
  }
}

}  // namespace
}  // namespace zoo::serve
