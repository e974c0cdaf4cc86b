// A queue on a real server: what is read, claimed, answered, and what is promised when somebody dies in between.
#include "brokers/redis_queue.h"

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "brokers/redis_queue_replies.h"
#include "tests/support/redis_server.h"

namespace zoo::brokers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

class RedisQueueTest : public ::testing::Test {
 protected:
  RedisQueue member(const std::string& name, RedisQueueOptions options = {}) const {
    options.group = "g";
    options.consumer = name;
    options.results = "out";
    options.dead = "dead";
    return {parse_redis_address(server_.url("jobs")), std::move(options)};
  }
  std::string add(const std::string& key) {
    return redis_.command({"XADD", "jobs", "*", "key", key, "image", std::string("\0\xff", 2)}).as_text();
  }
  std::vector<QueueEntry> stream(const std::string& name) {
    return entries_from(redis_.command({"XRANGE", name, "-", "+"}));
  }
  int64_t pending() { return redis_.command({"XPENDING", "jobs", "g"}).at(0).as_integer(); }
  /// So that entries are idle for a millisecond.
  static void let_time_pass() { std::this_thread::sleep_for(5ms); }

  test::RedisServer server_;
  RedisClient redis_{parse_redis_address(server_.url()), {}};
};

QueueAnswer answer_to(const std::string& id, const std::string& text,
                      QueueAnswer::Kind kind = QueueAnswer::Kind::kAnswer) {
  return {.kind = kind, .id = id, .fields = {"text", text}};
}

TEST_F(RedisQueueTest, ReadsWhatWasAddedBeforeTheGroupWas) {
  const std::string id = add("a");
  RedisQueue queue = member("one");
  const std::vector<QueueEntry> entries = queue.read(10, 1ms);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].id, id);
  EXPECT_EQ(*entries[0].find("key"), "a");
  EXPECT_EQ(*entries[0].find("image"), std::string("\0\xff", 2));
  EXPECT_EQ(entries[0].find("none"), nullptr);
  EXPECT_EQ(entries[0].deliveries, 1);
  EXPECT_NEAR(static_cast<double>(queue.server_time_ms() - entries[0].added_ms()), 0.0, 10'000.0);
  EXPECT_THAT(queue.read(10, 1ms), IsEmpty()) << "each entry goes to one";
  EXPECT_THAT(member("two").read(10, 1ms), IsEmpty());
}

TEST_F(RedisQueueTest, AnAnswerIsAddedAndTheEntryDone) {
  const std::string a = add("a");
  const std::string b = add("b");
  RedisQueue queue = member("one");
  queue.read(10, 1ms);
  EXPECT_THAT(queue.answer(std::vector{answer_to(a, "A"), answer_to(b, "", QueueAnswer::Kind::kDrop)}),
              ElementsAre(true, true));
  EXPECT_EQ(pending(), 0);
  ASSERT_THAT(stream("out"), SizeIs(1));
  EXPECT_EQ(*stream("out")[0].find("text"), "A");
  EXPECT_THAT(stream("jobs"), SizeIs(2)) << "other groups may want them";
  EXPECT_THAT(queue.answer({}), IsEmpty());
}

TEST_F(RedisQueueTest, WhoAnswersSecondChangesNothing) {
  const std::string id = add("a");
  RedisQueue slow = member("slow");
  slow.read(1, 1ms);
  let_time_pass();
  RedisQueue quick = member("quick");
  const auto claimed = quick.claim(1ms);
  ASSERT_TRUE(claimed.entry);
  EXPECT_EQ(claimed.entry->id, id);
  EXPECT_EQ(claimed.entry->deliveries, 2);
  EXPECT_THAT(quick.answer(std::vector{answer_to(id, "quick")}), ElementsAre(true));
  EXPECT_THAT(slow.answer(std::vector{answer_to(id, "slow")}), ElementsAre(false));
  ASSERT_THAT(stream("out"), SizeIs(1));
  EXPECT_EQ(*stream("out")[0].find("text"), "quick");
}

TEST_F(RedisQueueTest, WhatIsLeftIsClaimedAgainAndItsDeliveriesAreThoseThatCount) {
  const std::string id = add("a");
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  for (int i = 0; i < 5; ++i) {
    const QueueAnswer left{.kind = QueueAnswer::Kind::kLeave, .id = id, .fields = {"0"}};
    EXPECT_THAT(queue.answer(std::vector{left}), ElementsAre(true));
    EXPECT_THAT(member("two").answer(std::vector{left}), ElementsAre(false)) << "it is not two's to leave";
    EXPECT_FALSE(queue.claim(1h).entry) << "its time begins anew";
    let_time_pass();
    const auto claimed = queue.claim(1ms);
    ASSERT_TRUE(claimed.entry);
    EXPECT_EQ(claimed.entry->deliveries, 1);
  }
  EXPECT_EQ(pending(), 1);
}

TEST_F(RedisQueueTest, ClaimsOnlyWhatIsIdle) {
  add("a");
  member("dead").read(1, 1ms);
  RedisQueue queue = member("one");
  EXPECT_FALSE(queue.claim(1h).entry);
  let_time_pass();
  EXPECT_TRUE(queue.claim(1ms).entry);
  EXPECT_FALSE(queue.claim(1h).entry) << "it is fresh again";
}

TEST_F(RedisQueueTest, ClaimsOneAfterTheOtherFromMany) {
  for (int i = 0; i < 60; ++i) add(std::to_string(i));
  RedisQueue dead = member("dead");
  dead.read(100, 1ms);
  let_time_pass();
  RedisQueue queue = member("one");
  std::set<std::string> keys;
  for (int i = 0; i < 60; ++i) {
    const auto claimed = queue.claim(1ms);
    ASSERT_TRUE(claimed.entry) << i;
    keys.insert(*claimed.entry->find("key"));
    queue.answer(std::vector{answer_to(claimed.entry->id, "")});
  }
  EXPECT_THAT(keys, SizeIs(60));
  EXPECT_EQ(pending(), 0);
}

TEST_F(RedisQueueTest, ADeadLetterCarriesReasonAndEntry) {
  const std::string id = add("a");
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  queue.answer(std::vector{answer_to(id, "why", QueueAnswer::Kind::kDead)});
  ASSERT_THAT(stream("dead"), SizeIs(1));
  EXPECT_EQ(*stream("dead")[0].find("text"), "why");
  EXPECT_EQ(*stream("dead")[0].find("key"), "a");
  EXPECT_EQ(*stream("dead")[0].find("image"), std::string("\0\xff", 2));
  EXPECT_EQ(pending(), 0);
}

TEST_F(RedisQueueTest, ADeadLetterOfThousandsOfFieldsIsCutAndOneThatWasTrimmedIsEmpty) {
  RedisCommand large = {"XADD", "jobs", "*"};
  for (int i = 0; i < 20'000; ++i) large.push_back("x");
  const std::string id = redis_.command(large).as_text();
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  EXPECT_THAT(queue.answer(std::vector{answer_to(id, "why", QueueAnswer::Kind::kDead)}), ElementsAre(true));
  EXPECT_THAT(stream("dead")[0].fields, SizeIs(501));
  const std::string trimmed = add("b");
  queue.read(1, 1ms);
  redis_.command({"XTRIM", "jobs", "MAXLEN", "0"});
  EXPECT_THAT(queue.answer(std::vector{answer_to(trimmed, "why", QueueAnswer::Kind::kDead)}), ElementsAre(true));
  EXPECT_THAT(stream("dead")[1].fields, SizeIs(1));
}

TEST_F(RedisQueueTest, AnAnswerThatCannotBeAddedLeavesItsEntryPending) {
  const std::string a = add("a");
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  redis_.command({"SET", "out", "no stream"});
  EXPECT_THROW(queue.answer(std::vector{answer_to(a, "A")}), BrokerError);
  EXPECT_EQ(pending(), 1);
  redis_.command({"DEL", "out"});
  redis_.command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THROW(queue.answer(std::vector{answer_to(a, "A")}), BrokerError);
  EXPECT_EQ(pending(), 1);
  redis_.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_THAT(queue.answer(std::vector{answer_to(a, "A")}), ElementsAre(true));
  EXPECT_THAT(stream("out"), SizeIs(1));
}

TEST_F(RedisQueueTest, StreamsAreTrimmedAndDoneEntriesDeletedWhereThatIsAskedFor) {
  RedisQueue queue = member("one", {.max_results = 100, .delete_done = true});
  for (int i = 0; i < 1000; ++i) add(std::to_string(i));
  std::vector<QueueAnswer> answers;
  for (const QueueEntry& entry : queue.read(1000, 1ms)) answers.push_back(answer_to(entry.id, ""));
  EXPECT_THAT(queue.answer(answers), SizeIs(1000));
  EXPECT_THAT(stream("jobs"), IsEmpty());
  EXPECT_LE(redis_.command({"XLEN", "out"}).as_integer(), 250);
  EXPECT_GE(redis_.command({"XLEN", "out"}).as_integer(), 100);
}

TEST_F(RedisQueueTest, TrimmedDeadLettersAreCountedByWhoTrimsThem) {
  RedisQueue queue = member("one", {.max_dead = 100});
  for (int i = 0; i < 1000; ++i) add(std::to_string(i));
  std::vector<QueueAnswer> answers;
  for (const QueueEntry& entry : queue.read(1000, 1ms)) {
    answers.push_back(answer_to(entry.id, "", QueueAnswer::Kind::kDead));
  }
  queue.answer(std::span(answers).first(50));
  EXPECT_EQ(queue.take_dead_trimmed(), 0);
  queue.answer(std::span(answers).subspan(50));
  const int64_t trimmed = queue.take_dead_trimmed();
  EXPECT_EQ(trimmed, 1000 - redis_.command({"XLEN", "dead"}).as_integer());
  EXPECT_GT(trimmed, 0);
  EXPECT_EQ(queue.take_dead_trimmed(), 0);
  redis_.command({"XTRIM", "dead", "MAXLEN", "0"});
  queue.answer(answers);
  EXPECT_EQ(queue.take_dead_trimmed(), 0) << "what others do is not counted";
}

// docs/scaling.md: no more is taken than what was asked for may have.
TEST_F(RedisQueueTest, AnEntryThatIsTooLargeIsClaimedByItsIdAndStopsNobody) {
  RedisQueue queue = member("one", {.max_entry_bytes = 10'000});
  const std::string id =
      redis_.command({"XADD", "jobs", "*", "key", "large", "image", std::string(100'000, 'x')}).as_text();
  try {
    queue.read(9, 1ms);
    FAIL();
  } catch (const ReplyTooLarge& error) {
    EXPECT_TRUE(error.transient());
    EXPECT_THAT(error.what(), HasSubstr("--max-bytes"));
  }
  const std::string small = add("small");
  EXPECT_EQ(queue.state().pending, 1) << "what Redis says of a stream holds its first and its last entry";
  ASSERT_THAT(queue.read(9, 1ms), SizeIs(1));
  let_time_pass();
  auto claimed = queue.claim(1ms);
  ASSERT_TRUE(claimed.entry);
  EXPECT_EQ(claimed.entry->id, id);
  EXPECT_TRUE(claimed.entry->too_large);
  EXPECT_EQ(claimed.entry->deliveries, 2);
  queue.answer(std::vector{answer_to(id, "why", QueueAnswer::Kind::kDead)});
  ASSERT_THAT(stream("dead"), SizeIs(1));
  EXPECT_EQ(stream("dead")[0].find("image")->size(), 100'000U);
  claimed = queue.claim(1ms);
  ASSERT_TRUE(claimed.entry);
  EXPECT_EQ(claimed.entry->id, small);
  EXPECT_FALSE(claimed.entry->too_large);
}

TEST_F(RedisQueueTest, WhatIsTakenGrowsWithWhatWasAskedFor) {
  RedisQueue queue = member("one", {.max_entry_bytes = 10'000});
  for (int i = 0; i < 12; ++i) redis_.command({"XADD", "jobs", "*", "image", std::string(9'000, 'x')});
  EXPECT_THAT(queue.read(12, 1ms), SizeIs(12));
}

TEST_F(RedisQueueTest, CountsWhatWaitsAndWhatWasTrimmedUnread) {
  RedisQueue queue = member("one");
  EXPECT_EQ(queue.state().waiting, 0);
  for (int i = 0; i < 10; ++i) add(std::to_string(i));
  EXPECT_EQ(queue.state().waiting, 10);
  EXPECT_FALSE(queue.state().oldest_pending);
  queue.read(4, 1ms);
  QueueState state = queue.state();
  EXPECT_EQ(state.waiting, 6);
  EXPECT_EQ(state.pending, 4);
  EXPECT_EQ(state.dropped, 0);
  EXPECT_TRUE(state.oldest_pending);
  redis_.command({"XTRIM", "jobs", "MAXLEN", "2"});
  state = queue.state();
  EXPECT_EQ(state.waiting, 2);
  EXPECT_EQ(state.dropped, 4);
  EXPECT_EQ(state.length, 2);
  queue.read(1, 1ms);
  for (int i = 0; i < 3; ++i) add(std::to_string(i));
  state = queue.state();
  EXPECT_EQ(state.waiting, 4);
  EXPECT_EQ(state.dropped, 4) << "still known";
  queue.read(10, 1ms);
  EXPECT_EQ(member("two").state().dropped, 4) << "everything is read: anybody can tell";
  EXPECT_EQ(member("two").state().waiting, 0);
}

TEST_F(RedisQueueTest, WhatWasTrimmedWhilePendingIsLostAndSaid) {
  add("a");
  member("dead").read(1, 1ms);
  redis_.command({"XTRIM", "jobs", "MAXLEN", "0"});
  let_time_pass();
  const auto claimed = member("one").claim(1ms);
  EXPECT_FALSE(claimed.entry);
  EXPECT_EQ(claimed.lost, 1);
  EXPECT_EQ(pending(), 0);
}

TEST_F(RedisQueueTest, ADeletedGroupIsMadeAnew) {
  RedisQueue queue = member("one");
  queue.prepare();
  redis_.command({"DEL", "jobs"});
  EXPECT_THROW(queue.read(1, 1ms), BrokerError);
  add("a");
  EXPECT_THAT(queue.read(1, 1ms), SizeIs(1));
}

TEST_F(RedisQueueTest, AnswersOutliveTheServer) {
  const std::string id = add("a");
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  server_.kill();
  EXPECT_THROW(queue.answer(std::vector{answer_to(id, "A")}), BrokerError);
  server_.start();
  EXPECT_THAT(queue.answer(std::vector{answer_to(id, "A")}), ElementsAre(true));
  server_.kill();
  server_.start();
  redis_.close();
  EXPECT_THAT(stream("out"), SizeIs(1));
  EXPECT_EQ(pending(), 0);
}

TEST_F(RedisQueueTest, WhoLeavesTakesNothingFromOthersOfItsName) {
  RedisQueue reader = member("one");
  reader.prepare();
  std::atomic<bool> ends = false;
  std::thread leaver([&] {
    RedisQueue queue = member("one");
    while (!ends) queue.leave();
  });
  for (int i = 0; i < 300; ++i) {
    const std::string id = add(std::to_string(i));
    reader.read(1, 1ms);
    EXPECT_THAT(reader.answer(std::vector{answer_to(id, "")}), ElementsAre(true)) << i;
  }
  ends = true;
  leaver.join();
}

TEST_F(RedisQueueTest, AMemberLeavesUnlessSomethingIsPendingForIt) {
  const std::string id = add("a");
  RedisQueue queue = member("one");
  queue.read(1, 1ms);
  queue.leave();
  EXPECT_THAT(redis_.command({"XINFO", "CONSUMERS", "jobs", "g"}).as_list(), SizeIs(1));
  queue.answer(std::vector{answer_to(id, "")});
  queue.leave();
  EXPECT_THAT(redis_.command({"XINFO", "CONSUMERS", "jobs", "g"}).as_list(), IsEmpty());
}

// docs/scaling.md names these rights.
TEST_F(RedisQueueTest, AUserNeedsFewRights) {
  redis_.command({"ACL", "SETUSER", "worker", "on", ">secret", "~jobs", "~out", "~dead", "+@stream", "+eval", "+time",
                  "+ping", "+client|setname"});
  const std::string a = add("a");
  const std::string b = add("b");
  RedisQueue queue(parse_redis_address(server_.url("jobs", "worker:secret")),
                   {.group = "g", .consumer = "one", .results = "out", .dead = "dead", .delete_done = true});
  EXPECT_THAT(queue.read(2, 1ms), SizeIs(2));
  EXPECT_FALSE(queue.claim(1h).entry);
  EXPECT_THAT(queue.answer(std::vector{answer_to(a, "A"), answer_to(b, "B", QueueAnswer::Kind::kDead)}),
              ElementsAre(true, true));
  EXPECT_EQ(queue.state().results, 1);
  queue.leave();
}

TEST_F(RedisQueueTest, NothingWaitsWhereWhatIsNotReadWasDeleted) {
  const auto deleted = [&](const std::string& id) { redis_.command({"XDEL", "jobs", id}); };
  deleted(add("a"));
  RedisQueue queue = member("one");
  EXPECT_EQ(queue.state().waiting, 0) << "the only entry, before there was a group";
  const std::string b = add("b");
  EXPECT_EQ(queue.state().waiting, 1);
  queue.read(10, 1ms);
  deleted(add("c"));
  deleted(add("d"));
  EXPECT_EQ(queue.state().waiting, 0) << "behind what was read";
  EXPECT_EQ(queue.state().pending, 1);
  queue.answer(std::vector{answer_to(b, "B")});
  const std::string e = add("e");
  add("f");
  deleted(e);
  EXPECT_GE(queue.state().waiting, 1) << "one is left";
  EXPECT_THAT(queue.read(10, 1ms), SizeIs(1));
  EXPECT_EQ(queue.state().waiting, 0);
}

TEST_F(RedisQueueTest, ResultsOrDeadLettersThatAreNoStreamAreRefused) {
  for (const char* key : {"out", "dead"}) {
    redis_.command({"SET", key, "x"});
    try {
      member("one").prepare();
      FAIL() << key;
    } catch (const BrokerError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(key) + ": WRONGTYPE"));
      EXPECT_FALSE(error.transient());
    }
    redis_.command({"DEL", key});
    EXPECT_NO_THROW(member("one").prepare());
  }
}

TEST_F(RedisQueueTest, AStreamOfAnotherKindIsRefused) {
  redis_.command({"SET", "jobs", "x"});
  try {
    member("one").prepare();
    FAIL();
  } catch (const BrokerError& error) {
    EXPECT_THAT(error.what(), HasSubstr("WRONGTYPE"));
  }
}

TEST(RedisQueueReplies, ALostCountIsNotZero) {
  StreamFigures figures{.length = 10,
                        .added = 1000,
                        .read = std::nullopt,
                        .first = "5-0",
                        .last = "9-0",
                        .last_added = "9-0",
                        .last_read = "7-0",
                        .pending = 3};
  EXPECT_EQ(dropped_of(figures, 4), 4) << "what was known";
  EXPECT_EQ(waiting_of(figures, 4), 7) << "not the 1000 that were ever added";
  figures.last_read = "9-0";
  EXPECT_EQ(dropped_of(figures, 4), 4);
  EXPECT_EQ(waiting_of(figures, 4), 0);
}

TEST_F(RedisQueueTest, AQueueWhoseCountRedisHasLostComesToItsEnd) {
  for (int i = 0; i < 4; ++i) add(std::to_string(i));
  const std::string third = entries_from(redis_.command({"XRANGE", "jobs", "-", "+"}))[2].id;
  RedisQueue queue = member("one");
  queue.prepare();
  redis_.command({"XDEL", "jobs", third});
  redis_.command({"XGROUP", "SETID", "jobs", "g", entries_from(redis_.command({"XRANGE", "jobs", "-", "+"}))[0].id});
  EXPECT_GE(queue.state().waiting, 1);
  for (const QueueEntry& entry : queue.read(10, 1ms)) queue.answer(std::vector{answer_to(entry.id, "")});
  EXPECT_EQ(queue.state().waiting, 0);
  EXPECT_EQ(queue.state().pending, 0);
}

TEST(RedisQueueReplies, RefuseWhatIsNoEntry) {
  EXPECT_THROW(entries_from(RedisReply::integer(1)), BrokerError);
  EXPECT_THROW(entries_from(RedisReply::list({RedisReply::text("x")})), BrokerError);
  EXPECT_THROW(entries_from(RedisReply::list({RedisReply::list({RedisReply::text("1-0")})})), BrokerError);
  EXPECT_THAT(entries_from(RedisReply::list({RedisReply()})), IsEmpty());
  EXPECT_EQ(id_numbers("12-3"), (std::pair<uint64_t, uint64_t>(12, 3)));
  EXPECT_EQ(id_numbers("x-3"), (std::pair<uint64_t, uint64_t>(0, 0)));
}

}  // namespace
}  // namespace zoo::brokers
