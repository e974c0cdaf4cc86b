// The client against a peer that is no Redis server, or one that has lost its mind.
#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/redis_client.h"
#include "tests/support/fake_peer.h"

namespace zoo::brokers {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr const char* kGreeted = "+OK\r\n+PONG\r\n";

/// What the client says of a peer that says `words`, to the greeting or after it.
std::string problem_with(const std::string& words, bool closes, size_t max_reply_bytes = size_t{1} << 20U) {
  const test::FakePeer peer({words}, closes);
  RedisAddress address;
  address.host = "127.0.0.1";
  address.port = static_cast<uint16_t>(peer.port());
  RedisClient redis(address, {.connect_timeout = 500ms, .command_timeout = 300ms, .max_reply_bytes = max_reply_bytes});
  try {
    redis.command({"GET", "k"});
  } catch (const BrokerError& error) {
    EXPECT_FALSE(redis.connected());
    return error.what();
  }
  return "none";
}

TEST(RedisHostile, HalfAnAnswerIsWaitedForButNotForEver) {
  for (const char* half : {"+O", "+OK\r\n", "+OK\r\n+PONG\r", "$5\r\nab", "*2\r\n:1\r\n"}) {
    EXPECT_THAT(problem_with(half, false), HasSubstr("no complete answer within")) << half;
    EXPECT_THAT(problem_with(half, true), AnyOf(HasSubstr("closed the connection"), HasSubstr("was lost"))) << half;
  }
}

TEST(RedisHostile, AWaitEndsWhereItsOwnerMustEnd) {
  const test::FakePeer peer({"+O"}, false);
  RedisAddress address;
  address.host = "127.0.0.1";
  address.port = static_cast<uint16_t>(peer.port());
  RedisOptions options{.connect_timeout = 1h, .command_timeout = 1h};
  options.must_end = [] { return std::chrono::steady_clock::time_point::min(); };
  RedisClient redis(address, options);
  EXPECT_THROW(redis.command({"GET", "k"}), BrokerError);
}

TEST(RedisHostile, NonsenseIsRefused) {
  for (const char* nonsense :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x01\x02\x02\x16", "*-5\r\n", "$-7\r\n", ":12x\r\n", "*x\r\n",
        "$999999999999999999999999\r\n", "*99999999999\r\n", "*2147483647\r\n", "*1048577\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    EXPECT_THAT(problem_with(nonsense, false), HasSubstr("does not speak as Redis does")) << nonsense;
  }
}

TEST(RedisHostile, AnswersThatNobodyAskedFor) {
  EXPECT_THAT(problem_with(std::string(kGreeted) + "$1\r\na\r\n", false), HasSubstr("more than it was asked"));
}

TEST(RedisHostile, AnswersAreLimited) {
  EXPECT_THAT(problem_with("$90000000\r\n" + std::string(3'000'000, 'x'), false), HasSubstr("larger than 1 MB"));
}

TEST(RedisHostile, AnotherAnswerThanExpectedIsAnError) {
  EXPECT_THROW(RedisReply::integer(1).as_text(), BrokerError);
  EXPECT_THROW(RedisReply::text("x").as_integer(), BrokerError);
  EXPECT_THROW(RedisReply().as_list(), BrokerError);
  EXPECT_THROW(RedisReply::list({}).at(0), BrokerError);
  EXPECT_EQ(RedisReply::list({RedisReply::text("a")}).find("a"), nullptr);
  const RedisReply map = RedisReply::list({RedisReply::text("a"), RedisReply::integer(5)});
  EXPECT_EQ(map.find("a")->as_integer(), 5);
}

}  // namespace
}  // namespace zoo::brokers
