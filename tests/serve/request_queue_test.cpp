#include "serve/inference/request_queue.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RequestQueueTest : public ::testing::Test {
 protected:
  RequestQueue::Put put(RequestQueue& queue, const std::string& lane, const std::string& name, size_t bytes = 1,
                        std::chrono::seconds timeout = 10s) {
    QueuedTask task{.lane = lane,
                    .bytes = bytes,
                    .arrived = clock_.now(),
                    .deadline = clock_.now() + timeout,
                    .run = [this, name] { run_.push_back(name); },
                    .expire = [this, name] { expired_.push_back(name); }};
    const RequestQueue::Put result = queue.put(task);
    EXPECT_EQ(task.run == nullptr, result == RequestQueue::Put::kTaken);
    return result;
  }
  void run_all(RequestQueue& queue) {
    queue.close();
    while (auto task = queue.take()) task->run();
  }

  ManualClock clock_;
  std::vector<std::string> run_;
  std::vector<std::string> expired_;
};

TEST_F(RequestQueueTest, LanesTakeTurnsAndKeepTheirOrder) {
  RequestQueue queue({}, clock_);
  for (const char* name : {"a1", "a2", "a3", "a4"}) put(queue, "a", name);
  for (const char* name : {"b1", "b2"}) put(queue, "b", name);
  EXPECT_EQ(queue.waiting(), 6U);
  EXPECT_EQ(queue.waiting("b"), 2U);
  EXPECT_EQ(queue.waiting("c"), 0U);
  run_all(queue);
  EXPECT_THAT(run_, ElementsAre("a1", "b1", "a2", "b2", "a3", "a4"));
}

TEST_F(RequestQueueTest, IsFullByNumberAndByBytes) {
  RequestQueue queue({.requests = 2, .bytes = 100}, clock_);
  EXPECT_EQ(put(queue, "a", "huge", 1'000), RequestQueue::Put::kTaken) << "nothing else waits";
  EXPECT_EQ(put(queue, "a", "small"), RequestQueue::Put::kFull);
  queue.take()->run();
  EXPECT_EQ(put(queue, "a", "half", 50), RequestQueue::Put::kTaken);
  EXPECT_EQ(put(queue, "a", "more", 51), RequestQueue::Put::kFull);
  EXPECT_EQ(put(queue, "a", "endless", SIZE_MAX), RequestQueue::Put::kFull);
  EXPECT_EQ(put(queue, "a", "other half", 50), RequestQueue::Put::kTaken);
  EXPECT_EQ(put(queue, "a", "third", 0), RequestQueue::Put::kFull);
  EXPECT_EQ(put(queue, "b", "of another lane", 100), RequestQueue::Put::kTaken);
  run_all(queue);
  EXPECT_THAT(run_, ElementsAre("huge", "of another lane", "half", "other half"));
  EXPECT_THAT(expired_, IsEmpty());
}

TEST_F(RequestQueueTest, WhatIsOverdueIsExpiredInsteadOfRun) {
  RequestQueue queue({}, clock_);
  put(queue, "a", "short", 1, 1s);
  put(queue, "a", "long", 1, 5s);
  clock_.turn(2s);
  run_all(queue);
  EXPECT_THAT(run_, ElementsAre("long"));
  EXPECT_THAT(expired_, ElementsAre("short"));
}

TEST_F(RequestQueueTest, WhatIsOverdueMakesRoom) {
  RequestQueue queue({.requests = 2, .bytes = 100}, clock_);
  put(queue, "a", "short", 40, 1s);
  put(queue, "a", "long", 40, 5s);
  EXPECT_EQ(put(queue, "a", "early"), RequestQueue::Put::kFull);
  clock_.turn(2s);
  EXPECT_EQ(put(queue, "a", "late", 60), RequestQueue::Put::kTaken);
  EXPECT_THAT(expired_, ElementsAre("short"));
  run_all(queue);
  EXPECT_THAT(run_, ElementsAre("long", "late"));
}

TEST_F(RequestQueueTest, ClosedTakesNothingAndEndsThoseWhoWait) {
  RequestQueue queue({}, clock_);
  std::jthread worker([&] { EXPECT_FALSE(queue.take().has_value()); });
  queue.close();
  worker.join();
  EXPECT_EQ(put(queue, "a", "late"), RequestQueue::Put::kClosed);
}

TEST_F(RequestQueueTest, WhatWaitsCanBeTakenOut) {
  RequestQueue queue({}, clock_);
  put(queue, "a", "first");
  put(queue, "b", "second");
  for (const QueuedTask& task : queue.remove_all()) task.expire();
  EXPECT_THAT(expired_, ElementsAre("first", "second"));
  EXPECT_EQ(queue.waiting(), 0U);
}

}  // namespace
}  // namespace zoo::serve
