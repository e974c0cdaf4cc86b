#include "streams/bounded_queue.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/thread_at_work.h"

namespace zoo::streams {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

TEST(BoundedQueue, YieldsItemsInOrder) {
  BoundedQueue<int> queue(3);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(queue.push(i));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), 3);
}

TEST(BoundedQueue, CloseLetsTheConsumerFinishAndTheProducerFail) {
  BoundedQueue<int> queue(3);
  queue.push(1);
  queue.close();
  EXPECT_FALSE(queue.push(2));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, CancelThrowsAwayWhatIsLeft) {
  BoundedQueue<std::shared_ptr<int>> queue(3);
  auto item = std::make_shared<int>(1);
  queue.push(item);
  queue.cancel();
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, PushWaitsForRoom) {
  BoundedQueue<int> queue(1);
  queue.push(1);
  test::ThreadAtWork producer([&] { queue.push(2); });
  ASSERT_TRUE(producer.comes_to_wait([&] { return queue.waiting_for_room() == 1; }));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.waiting_for_room(), 0U);
}

TEST(BoundedQueue, CloseWakesAProducerThatWaits) {
  BoundedQueue<int> queue(1);
  queue.push(1);
  std::optional<bool> accepted;
  {
    test::ThreadAtWork producer([&] { accepted = queue.push(2); });
    EXPECT_TRUE(producer.comes_to_wait([&] { return queue.waiting_for_room() == 1; }));
    queue.close();
  }
  EXPECT_EQ(accepted, false);
}

TEST(BoundedQueue, CancelWakesAConsumerThatWaits) {
  BoundedQueue<int> queue(1);
  test::ThreadAtWork consumer([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
  EXPECT_TRUE(consumer.comes_to_wait([&] { return queue.waiting_for_item() == 1; }));
  queue.cancel();
}

TEST(BoundedQueue, PopForTellsATimeoutFromTheEnd) {
  BoundedQueue<int> queue(1);
  bool ended = true;
  EXPECT_EQ(queue.pop_for(1ms, ended), std::nullopt);
  EXPECT_FALSE(ended);
  queue.push(1);
  queue.close();
  EXPECT_EQ(queue.pop_for(1ms, ended), 1);
  EXPECT_FALSE(ended);
  EXPECT_EQ(queue.pop_for(1ms, ended), std::nullopt);
  EXPECT_TRUE(ended);
}

TEST(BoundedQueue, CapacityOfZeroIsOne) {
  BoundedQueue<int> queue(0);
  EXPECT_TRUE(queue.push(1));
  EXPECT_EQ(queue.pop(), 1);
}

TEST(BoundedQueue, ManyProducersAndConsumersLoseNothing) {
  constexpr int kThreads = 3;
  constexpr int kItems = 2000;
  BoundedQueue<int> queue(4);
  std::atomic<int64_t> sum = 0;
  std::atomic<int> count = 0;
  {
    std::vector<std::jthread> consumers;
    for (int t = 0; t < kThreads; ++t) {
      consumers.emplace_back([&] {
        while (const auto item = queue.pop()) {
          sum += *item;
          ++count;
        }
      });
    }
    {
      std::vector<std::jthread> producers;
      for (int t = 0; t < kThreads; ++t) {
        producers.emplace_back([&, t] {
          for (int i = 0; i < kItems; ++i) queue.push(t * kItems + i);
        });
      }
    }
    queue.close();
  }
  constexpr int64_t kTotal = int64_t{kThreads} * kItems;
  EXPECT_EQ(count, kTotal);
  EXPECT_EQ(sum, kTotal * (kTotal - 1) / 2);
}

}  // namespace
}  // namespace zoo::streams
