// A worker on a real server, with a function for a model.
#include "streams/queue/queue_worker.h"

#include <atomic>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/streams/gate.h"
#include "tests/streams/queue/queue_rig.h"
#include "tests/support/http_server.h"

namespace zoo::streams {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST(QueueWorkerTest, AnswersEverythingOnceAndEndsWhereThatIsAskedFor) {
  QueueRig rig;
  for (int i = 0; i < 300; ++i) rig.add("k" + std::to_string(i), png(1 + i % 9));
  QueueWorkerOptions options = rig.options("one");
  options.threads = 3;
  options.until_empty = true;
  std::atomic<int> told = 0;
  options.on_outcome = [&](const EntryOutcome& outcome, double age_s, double work_s) {
    EXPECT_EQ(outcome.kind, EntryOutcome::Kind::kAnswered);
    EXPECT_GE(age_s, 0.0);
    EXPECT_GE(work_s, 0.0);
    ++told;
  };
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  const auto answers = rig.answers();
  ASSERT_THAT(answers, SizeIs(300));
  for (int i = 0; i < 300; ++i) {
    const auto& some = answers.at("k" + std::to_string(i));
    ASSERT_THAT(some, SizeIs(1));
    EXPECT_THAT(some[0], HasSubstr("\"w" + std::to_string(1 + i % 9) + "\""));
  }
  EXPECT_EQ(worker.counts().answered, 300);
  EXPECT_EQ(worker.counts().delivered, 300);
  EXPECT_EQ(told, 300);
  EXPECT_EQ(rig.pending(), 0);
}

TEST(QueueWorkerTest, SeveralShareAQueue) {
  QueueRig rig;
  QueueWorker one(slot_of(), rig.options("one"));
  QueueWorker two(slot_of(), rig.options("two"));
  for (int i = 0; i < 200; ++i) rig.add(std::to_string(i), png());
  ASSERT_TRUE(comes_true([&] { return rig.answers().size() == 200; }));
  for (const auto& [key, some] : rig.answers()) EXPECT_THAT(some, SizeIs(1));
  EXPECT_TRUE(comes_true([&] { return one.counts().answered + two.counts().answered == 200; }));
}

TEST(QueueWorkerTest, APoisonPictureStopsNobody) {
  QueueRig rig;
  QueueWorker worker(slot_of(), rig.options("one"));
  rig.add("good", png());
  rig.add("bad", "junk");
  rig.redis.command({"XADD", "jobs", "*", "key", "none"});
  rig.add("better", png());
  ASSERT_TRUE(comes_true([&] { return rig.answers().size() == 2 && rig.answers("dead").size() == 2; }));
  EXPECT_THAT(rig.answers("dead").at("bad")[0], HasSubstr("not an image"));
  EXPECT_TRUE(comes_true([&] { return worker.counts().dead == 2; }));
  EXPECT_EQ(rig.pending(), 0);
}

TEST(QueueWorkerTest, AnEntryThatIsTooLargeStopsNobody) {
  QueueRig rig;
  QueueWorkerOptions options = rig.options("one");
  options.queue.max_entry_bytes = 10'000;
  options.pictures.max_bytes = 5'000;
  options.until_empty = true;
  rig.add("large", std::string(50'000, 'x'));
  for (int i = 0; i < 20; ++i) rig.add(std::to_string(i), png());
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  EXPECT_THAT(rig.answers(), SizeIs(20));
  EXPECT_THAT(rig.answers("dead").at("large")[0], HasSubstr("5000 bytes (--max-bytes)"));
  EXPECT_EQ(rig.pending(), 0);
}

TEST(QueueWorkerTest, CountsTheDeadLettersThatItTrims) {
  QueueRig rig;
  QueueWorkerOptions options = rig.options("one");
  options.queue.max_dead = 10;
  options.until_empty = true;
  for (int i = 0; i < 500; ++i) rig.add(std::to_string(i), "junk");
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  EXPECT_EQ(worker.counts().dead, 500);
  EXPECT_EQ(worker.counts().dead_trimmed, 500 - rig.redis.command({"XLEN", "dead"}).as_integer());
  EXPECT_GT(worker.counts().dead_trimmed, 0);
}

TEST(QueueWorkerTest, TakesOverWhatOthersHaveLeft) {
  QueueRig rig;
  rig.make_group();
  for (int i = 0; i < 30; ++i) rig.add(std::to_string(i), png());
  rig.deliver_to("dead worker");
  QueueWorkerOptions options = rig.options("one");
  options.threads = 2;
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return rig.answers().size() == 30; }));
  EXPECT_EQ(worker.counts().claimed, 30);
  EXPECT_EQ(rig.pending(), 0);
}

TEST(QueueWorkerTest, WhatIsLeftIsTriedAgainAndThenADeadLetter) {
  QueueRig rig;
  std::atomic<int> tries = 0;
  QueueWorkerOptions options = rig.options("one");
  options.claim_after = 1ms;
  options.rules.retry_for = 500ms;
  options.rules.max_deliveries = 1;
  QueueWorker worker(slot_of([&](const cv::Mat& picture) -> pipeline::TaskResult {
                       if (picture.cols == 5) {
                         ++tries;
                         throw EngineError("no luck");
                       }
                       return width_of(picture);
                     }),
                     options);
  rig.add("unlucky", png(5));
  rig.add("lucky", png(6));
  ASSERT_TRUE(comes_true([&] { return !rig.answers("dead").empty(); }));
  EXPECT_GT(tries, 1) << "more often than an entry may end its workers";
  EXPECT_THAT(rig.answers("dead").at("unlucky")[0], HasSubstr("no luck (tried for"));
  EXPECT_THAT(rig.answers(), SizeIs(1));
  EXPECT_EQ(worker.counts().left, tries - 1);
}

TEST(QueueWorkerTest, AnOutageKillsNothingAndEntriesWaitForItsEnd) {
  QueueRig rig;
  std::atomic<bool> is_away = true;
  std::mutex mutex;
  std::vector<std::string> said;
  QueueWorkerOptions options = rig.options("one");
  options.claim_after = 10ms;
  options.until_empty = true;
  options.on_message = [&](const std::string& text) {
    const std::scoped_lock lock(mutex);
    said.push_back(text);
  };
  for (int i = 0; i < 200; ++i) rig.add(std::to_string(i), png());
  QueueWorker worker(slot_of([&](const cv::Mat& picture) -> pipeline::TaskResult {
                       if (is_away) throw EngineError("away");
                       return width_of(picture);
                     }),
                     options);
  ASSERT_TRUE(comes_true([&] { return worker.counts().left >= 8; }));
  EXPECT_LT(worker.counts().delivered, 100) << "it does not go through all of them in vain";
  is_away = false;
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  EXPECT_THAT(rig.answers(), SizeIs(200));
  EXPECT_THAT(rig.answers("dead"), IsEmpty());
  const std::scoped_lock lock(mutex);
  ASSERT_THAT(said, SizeIs(2));
  EXPECT_THAT(said[0], HasSubstr("5 entries in a row failed for what may pass, the last: away"));
  EXPECT_THAT(said[1], HasSubstr("entries work again after"));
}

TEST(QueueWorkerTest, APictureThatIsLongInComingTakesNoCore) {
  QueueRig rig;
  const test::HttpServer server(
      [](const test::HttpRequest&) -> test::HttpReply { return {.body = "half of it", .send = 3, .stall = true}; });
  std::atomic<bool> ends = false;
  QueueWorkerOptions options = rig.options("one");
  options.claim_after = 1h;
  options.pictures.addresses = {AllowedAddress(server.url("/"))};
  options.pictures.stopped = [&] { return ends.load(); };
  QueueWorker worker(slot_of(), options);
  rig.redis.command({"XADD", "jobs", "*", "key", "slow", "url", server.url("/a.jpg")});
  ASSERT_TRUE(comes_true([&] { return server.requests().size() == 1; }));
  for (int i = 0; i < 5; ++i) rig.add(std::to_string(i), png());
  EXPECT_TRUE(comes_true([&] { return worker.counts().answered == 5; }));
  EXPECT_EQ(worker.counts().left, 0) << "all of them while the slow one was on its way";
  ends = true;
  worker.stop();
  worker.join();
  EXPECT_EQ(worker.counts().left, 1);
}

TEST(QueueWorkerTest, OldEntriesAreDroppedAndCounted) {
  QueueRig rig;
  rig.redis.command({"XADD", "jobs", "1000-0", "key", "old", "image", png()});
  rig.add("new", png());
  QueueWorkerOptions options = rig.options("one");
  options.rules.max_age = std::chrono::hours(1);
  options.until_empty = true;
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  EXPECT_EQ(worker.counts().stale, 1);
  EXPECT_THAT(rig.answers(), SizeIs(1));
}

TEST(QueueWorkerTest, TheEndFinishesWhatIsBeingWorkedOn) {
  QueueRig rig;
  Gate gate;
  auto worker = std::make_unique<QueueWorker>(slot_of([&](const cv::Mat& picture) {
                                                gate.wait();
                                                return width_of(picture);
                                              }),
                                              rig.options("one"));
  rig.add("first", png());
  gate.wait_until_reached();
  rig.add("second", png());
  worker->stop();
  gate.release();
  worker->join();
  const QueueCounts counts = worker->counts();
  EXPECT_GE(counts.delivered, 1);
  EXPECT_EQ(counts.delivered, counts.answered);
  EXPECT_THAT(rig.answers(), SizeIs(static_cast<size_t>(counts.answered)));
  EXPECT_EQ(rig.pending(), 0);
}

TEST(QueueWorkerTest, LeavesItsGroupWhereItsNameIsNobodyElses) {
  QueueRig rig;
  QueueWorkerOptions options = rig.options("one");
  options.leaves_group = true;
  options.until_empty = true;
  rig.add("a", png());
  QueueWorker worker(slot_of(), options);
  ASSERT_TRUE(comes_true([&] { return worker.stopping(); }));
  worker.join();
  EXPECT_THAT(rig.redis.command({"XINFO", "CONSUMERS", "jobs", "g"}).as_list(), IsEmpty());
}

TEST(QueueWorkerTest, SaysHowTheQueueIs) {
  QueueRig rig;
  rig.make_group();
  for (int i = 0; i < 10; ++i) rig.add(std::to_string(i), png());
  Gate gate;
  QueueWorker worker(slot_of([&](const cv::Mat& picture) {
                       gate.wait();
                       return width_of(picture);
                     }),
                     rig.options("one"));
  gate.wait_until_reached();
  ASSERT_TRUE(comes_true([&] { return worker.state() && worker.state()->pending == 2; }))
      << "one is worked on, one comes next";
  EXPECT_EQ(worker.state()->waiting, 8);
  gate.release();
}

TEST(QueueWorkerTest, ClaimsLaterThanItsSlowestEntryTakes) {
  QueueRig rig;
  QueueWorkerOptions options = rig.options("one");
  options.claim_after.reset();
  options.claim_floor = 10ms;
  options.claim_factor = 4.0;
  QueueWorker worker(slot_of([&](const cv::Mat& picture) {
                       std::this_thread::sleep_for(50ms);
                       return width_of(picture);
                     }),
                     options);
  EXPECT_EQ(worker.claim_after(), 10ms);
  rig.add("slow", png());
  ASSERT_TRUE(comes_true([&] { return worker.counts().answered == 1; }));
  EXPECT_GE(worker.claim_after(), 200ms);
}

}  // namespace
}  // namespace zoo::streams
