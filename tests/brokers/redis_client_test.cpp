// The client against a real server.
#include "brokers/redis_client.h"

#include <chrono>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/redis_server.h"

namespace zoo::brokers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

struct Problem {
  std::string text = "none";
  bool transient = false;
};

template <typename Work>
Problem problem_of(const Work& work) {
  try {
    work();
  } catch (const BrokerError& error) {
    return {error.what(), error.transient()};
  }
  return {};
}

RedisClient client_of(const std::string& url, RedisOptions options = {}) {
  return RedisClient(parse_redis_address(url), std::move(options));
}

TEST(RedisClientTest, SpeaksWithAServer) {
  const test::RedisServer server;
  RedisClient redis = client_of(server.url());
  EXPECT_FALSE(redis.connected());
  EXPECT_EQ(redis.command({"PING"}).as_text(), "PONG");
  EXPECT_TRUE(redis.connected());
  const std::string bytes("\0\r\n\xff$5\r\n", 8);
  EXPECT_EQ(redis.command({"SET", "k", bytes}).as_text(), "OK");
  EXPECT_EQ(redis.command({"GET", "k"}).as_text(), bytes);
  EXPECT_TRUE(redis.command({"GET", "none"}).is_nil());
  EXPECT_EQ(redis.command({"INCR", "n"}).as_integer(), 1);
  EXPECT_EQ(redis.connections(), 1U);
  EXPECT_THAT(redis.command({"CLIENT", "LIST"}).as_text(), HasSubstr("name=backbone-zoo"));
}

TEST(RedisClientTest, SendsManyCommandsInOneGo) {
  const test::RedisServer server;
  RedisClient redis = client_of(server.url());
  EXPECT_TRUE(redis.pipeline(std::initializer_list<RedisCommand>{}).empty());
  const std::vector<RedisReply> replies = redis.pipeline(
      {{"XADD", "s", "*", "a", "1"}, {"SET", "text", "x"}, {"XADD", "text", "*", "a", "1"}, {"XLEN", "s"}});
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_THAT(replies[0].as_text(), HasSubstr("-"));
  EXPECT_EQ(replies[2].error_code(), "WRONGTYPE");
  EXPECT_EQ(replies[3].as_integer(), 1);

  // More than the buffers of both sides hold, in both directions.
  std::vector<RedisCommand> large;
  for (int i = 0; i < 64; ++i) {
    large.push_back({"SET", "big", std::string(500'000, 'x')});
    large.push_back({"GET", "big"});
  }
  const std::vector<RedisReply> answers = redis.pipeline(large);
  for (size_t i = 1; i < answers.size(); i += 2) EXPECT_EQ(answers[i].as_text().size(), 500'000U);
}

TEST(RedisClientTest, ACommandMayWait) {
  const test::RedisServer server;
  RedisClient redis = client_of(server.url(), {.command_timeout = 1s});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(redis.command({"XREAD", "BLOCK", "1500", "STREAMS", "s", "$"}, {.waits = 1500ms}).is_nil());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1400ms);
}

TEST(RedisClientTest, ErrorsSayWhatHelps) {
  const test::RedisServer server;
  RedisClient redis = client_of(server.url());
  redis.command({"SET", "text", "x"});
  const Problem wrong = problem_of([&] { redis.command({"XADD", "text", "*", "a", "1"}); });
  EXPECT_THAT(wrong.text, AllOf(HasSubstr(server.url() + ": XADD text: WRONGTYPE"), HasSubstr("name another one")));
  EXPECT_FALSE(wrong.transient);
  EXPECT_TRUE(redis.connected()) << "an answer that is an error is an answer";
  const Problem group = problem_of([&] { redis.command({"XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"}); });
  EXPECT_THAT(group.text, AllOf(HasSubstr("NOGROUP"), HasSubstr("XGROUP CREATE")));
  redis.command({"CONFIG", "SET", "maxmemory", "1"});
  const Problem full = problem_of([&] { redis.command({"XADD", "s", "*", "a", "1"}); });
  EXPECT_THAT(full.text, AllOf(HasSubstr("OOM"), HasSubstr("MAXLEN")));
  EXPECT_TRUE(full.transient);
}

TEST(RedisClientTest, ComesBackAfterTheServerDoes) {
  test::RedisServer server;
  RedisClient redis = client_of(server.url());
  redis.command({"SET", "k", "kept"});
  server.kill();
  const Problem lost = problem_of([&] { redis.command({"GET", "k"}); });
  EXPECT_TRUE(lost.transient) << lost.text;
  EXPECT_FALSE(redis.connected());
  const Problem refused = problem_of([&] { redis.command({"GET", "k"}); });
  EXPECT_THAT(refused.text, HasSubstr("nobody listens there"));
  EXPECT_TRUE(refused.transient);
  server.start();
  EXPECT_EQ(redis.command({"GET", "k"}).as_text(), "kept");
  EXPECT_EQ(redis.connections(), 2U);
}

TEST(RedisClientTest, AServerThatHangsIsGivenUp) {
  test::RedisServer server;
  RedisClient redis = client_of(server.url(), {.connect_timeout = 300ms, .command_timeout = 300ms});
  redis.command({"PING"});
  server.pause();
  const Problem hangs = problem_of([&] { redis.command({"PING"}); });
  EXPECT_THAT(hangs.text, HasSubstr("no complete answer within 0.3 s"));
  EXPECT_TRUE(hangs.transient);
  // The system still takes the connection.
  EXPECT_THAT(problem_of([&] { redis.command({"PING"}); }).text, HasSubstr("within 0.3 s"));
  server.go_on();
  EXPECT_EQ(redis.command({"PING"}).as_text(), "PONG");
}

TEST(RedisClientTest, Passwords) {
  const test::RedisServer server({"requirepass secret", "user cam on >camera ~results* +@stream +client|setname"});
  EXPECT_EQ(client_of(server.url("", ":secret")).command({"PING"}).as_text(), "PONG");
  const Problem none = problem_of([&] { client_of(server.url()).connect(); });
  EXPECT_THAT(none.text, AllOf(HasSubstr("NOAUTH"), HasSubstr("REDIS_PASSWORD")));
  EXPECT_FALSE(none.transient);
  const Problem wrong = problem_of([&] { client_of(server.url("", ":hunter2")).connect(); });
  EXPECT_THAT(wrong.text, AllOf(HasSubstr("WRONGPASS"), HasSubstr(":***@"), Not(HasSubstr("hunter2"))));
  // A user who may do little: no PING, so no PING is insisted on.
  RedisClient cam = client_of(server.url("", "cam:camera"));
  EXPECT_THAT(cam.command({"XADD", "results:1", "*", "a", "1"}).as_text(), HasSubstr("-"));
  EXPECT_THAT(problem_of([&] {
                cam.command({"XADD", "other", "*", "a", "1"});
              }).text,
              AllOf(HasSubstr("NOPERM"), HasSubstr("ACL SETUSER")));
  const Problem needless = problem_of([&] {
    const test::RedisServer open_server;
    client_of(open_server.url("", ":secret")).connect();
  });
  EXPECT_THAT(needless.text, HasSubstr("the server has no password"));
}

TEST(RedisClientTest, Databases) {
  const test::RedisServer server;
  client_of(server.url("3/")).command({"SET", "k", "three"});
  EXPECT_TRUE(client_of(server.url()).command({"GET", "k"}).is_nil());
  EXPECT_EQ(client_of(server.url("3/")).command({"GET", "k"}).as_text(), "three");
  EXPECT_THAT(problem_of([&] { client_of(server.url("99/")).connect(); }).text, HasSubstr("fewer databases"));
}

TEST(RedisClientTest, Tls) {
  const test::RedisServer server({"requirepass secret"}, true);
  RedisClient redis = client_of(server.url("", ":secret"), {.tls_ca_file = server.ca_file()});
  EXPECT_EQ(redis.command({"PING"}).as_text(), "PONG");
  const std::string large(3'000'000, 'x');
  redis.command({"SET", "big", large});
  EXPECT_EQ(redis.command({"GET", "big"}).as_text(), large);

  const Problem unknown = problem_of([&] { client_of(server.url()).connect(); });
  EXPECT_THAT(unknown.text, AllOf(HasSubstr("the server's certificate is not trusted"), HasSubstr("SSL_CERT_FILE")));
  EXPECT_FALSE(unknown.transient);
  // Signed by the right authority, for another name.
  const std::string by_ip = fmt::format("rediss://:secret@127.0.0.1:{}", server.port());
  EXPECT_THAT(problem_of([&] { client_of(by_ip, {.tls_ca_file = server.ca_file()}).connect(); }).text,
              HasSubstr("certificate is not trusted: IP address mismatch"));
  EXPECT_THAT(problem_of([&] { client_of(server.url(), {.tls_ca_file = "/none.pem"}).connect(); }).text,
              HasSubstr("/none.pem: cannot be read"));
  const std::string plain = fmt::format("redis://localhost:{}", server.port());
  EXPECT_TRUE(problem_of([&] { client_of(plain, {.connect_timeout = 500ms}).connect(); }).transient);
}

TEST(RedisClientTest, TlsWhereNobodySpeaksIt) {
  const test::RedisServer server;
  const std::string url = fmt::format("rediss://127.0.0.1:{}", server.port());
  EXPECT_THAT(problem_of([&] { client_of(url, {.connect_timeout = 500ms}).connect(); }).text,
              HasSubstr("does the server speak TLS on this port?"));
}

TEST(RedisClientTest, NamesThatAreNone) {
  EXPECT_THAT(problem_of([] { client_of("redis://no-such-host.invalid").connect(); }).text,
              HasSubstr("cannot be resolved"));
}

}  // namespace
}  // namespace zoo::brokers
