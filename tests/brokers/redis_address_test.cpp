#include "brokers/redis_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/shown_address.h"
#include "nn/core/error.h"

namespace zoo::brokers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string problem_of(const std::string& text) {
  try {
    parse_redis_address(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(RedisAddress, AHostIsEnough) {
  const RedisAddress address = parse_redis_address("redis://broker");
  EXPECT_FALSE(address.tls);
  EXPECT_EQ(address.host, "broker");
  EXPECT_EQ(address.port, 6379);
  EXPECT_EQ(address.database, 0);
  EXPECT_EQ(address.key, "");
  EXPECT_EQ(address.password, "");
}

TEST(RedisAddress, HasAllParts) {
  const RedisAddress address = parse_redis_address("rediss://cam:p%40ss:w@[::1]:7000/3/jobs%2Fgate");
  EXPECT_TRUE(address.tls);
  EXPECT_EQ(address.user, "cam");
  EXPECT_EQ(address.password, "p@ss:w");
  EXPECT_EQ(address.host, "::1");
  EXPECT_EQ(address.port, 7000);
  EXPECT_EQ(address.database, 3);
  EXPECT_EQ(address.key, "jobs/gate");
}

TEST(RedisAddress, ANumberAloneIsAKey) {
  EXPECT_EQ(parse_redis_address("redis://h/7").key, "7");
  EXPECT_EQ(parse_redis_address("redis://h/7").database, 0);
  EXPECT_EQ(parse_redis_address("redis://h/7/").database, 7);
}

TEST(RedisAddress, SchemesInAnyCase) {
  EXPECT_TRUE(is_redis_address("Redis://h"));
  EXPECT_TRUE(parse_redis_address("REDISS://h").tls);
  EXPECT_FALSE(is_redis_address("mqtt://h"));
  EXPECT_FALSE(is_redis_address("redis:/h"));
}

TEST(RedisAddress, ShowsNoPassword) {
  EXPECT_EQ(parse_redis_address("redis://cam:secret@h/jobs").shown(), "redis://cam:***@h:6379/jobs");
  EXPECT_EQ(parse_redis_address("redis://:secret@h").shown(), "redis://:***@h:6379");
  EXPECT_EQ(parse_redis_address("redis://maybe-a-token@h").shown(), "redis://***@h:6379");
  EXPECT_EQ(parse_redis_address("redis://[::1]/2/a%2Fb").shown(), "redis://[::1]:6379/2/a%2Fb");
  for (const char* text :
       {"redis://u:secret@", "redis://u:secret@h:0", "redis://u:secret@h:99999/x", "redis://u:secret@h/a/b",
        "redis://u:secret%@h", "redis://u:secret@h/a?b", "http://u:secret@h/", "redis://u:se/cret@h:1:2"}) {
    EXPECT_THAT(problem_of(text), Not(HasSubstr("cret"))) << text;
  }
}

TEST(RedisAddress, ShowsNoPasswordWhereTheSchemeIsMistyped) {
  for (const char* text :
       {":secret@h/jobs", "u:secret@h", "redis:/:secret@h/jobs", "redis//u:secret@h", "redis:u:secret@h", "secret@h",
        "127.0.0.1:secret@h", "redis:/:se cret@h", "http:/secret@h", "redis ://u:secret@h"}) {
    EXPECT_THAT(problem_of(text), AllOf(HasSubstr("***@"), Not(HasSubstr("cret")))) << text;
  }
  EXPECT_EQ(shown_address("redis://cam:secret@h/a"), "redis://cam:***@h/a");
  EXPECT_EQ(shown_address("redis://cam:se cret@h/a"), "redis://cam:***@h/a");
  EXPECT_EQ(shown_address("mqtt:/cam:secret@h/a"), "***@h/a");
  EXPECT_EQ(shown_address("h:6379/a"), "h:6379/a");
}

TEST(RedisAddress, SaysWhatIsWrongAndHowItIsWritten) {
  const auto says = [](const std::string& problem) {
    return AllOf(HasSubstr(problem), HasSubstr("write redis://HOST[:PORT]"),
                 HasSubstr("USER:PASSWORD@ before the host"));
  };
  EXPECT_THAT(problem_of("broker:6379"), says("is no address of Redis"));
  EXPECT_THAT(problem_of("redis://"), says("the name of the server is missing"));
  EXPECT_THAT(problem_of("redis:///jobs"), says("the name of the server is missing"));
  EXPECT_THAT(problem_of("redis://h:"), says("the port is no number"));
  EXPECT_THAT(problem_of("redis://h:65536"), says("the port is no number"));
  EXPECT_THAT(problem_of("redis://::1"), says("needs brackets"));
  EXPECT_THAT(problem_of("redis://[::1"), says("the ] of an IPv6 address is missing"));
  EXPECT_THAT(problem_of("redis://[::1]x"), says("after the ]"));
  EXPECT_THAT(problem_of("redis://h/a/b"), says("no number of a database"));
  EXPECT_THAT(problem_of("redis://h/1/b/c"), says("%2F"));
  EXPECT_THAT(problem_of("redis://h/-1/b"), says("no number of a database"));
  EXPECT_THAT(problem_of("redis://h/a%2"), says("two hexadecimal digits"));
  EXPECT_THAT(problem_of("redis://h/a%zz"), says("two hexadecimal digits"));
  EXPECT_THAT(problem_of("redis://h/a%00"), says("NUL"));
  EXPECT_THAT(problem_of("redis://h/jobs?db=2"), says("neither ? nor #"));
  EXPECT_THAT(problem_of("redis://h st/jobs"), says("a blank"));
}

}  // namespace
}  // namespace zoo::brokers
