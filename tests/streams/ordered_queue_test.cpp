#include "streams/ordered_queue.h"

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/thread_at_work.h"

namespace zoo::streams {
namespace {

TEST(OrderedQueue, YieldsByNumberWhateverCameFirst) {
  OrderedQueue<int> queue(3);
  EXPECT_TRUE(queue.push(2, 20));
  EXPECT_TRUE(queue.push(0, 0));
  EXPECT_EQ(queue.pop(), 0);
  EXPECT_TRUE(queue.push(1, 10));
  EXPECT_EQ(queue.pop(), 10);
  EXPECT_EQ(queue.pop(), 20);
}

TEST(OrderedQueue, LetsNobodyRunTooFarAhead) {
  OrderedQueue<int> queue(2);
  queue.push(1, 10);
  test::ThreadAtWork producer([&] { EXPECT_TRUE(queue.push(2, 20)); });
  ASSERT_TRUE(producer.comes_to_wait([&] { return queue.waiting_for_room() == 1; }));
  queue.push(0, 0);
  EXPECT_EQ(queue.waiting_for_room(), 1U) << "0 is there, but not gone";
  EXPECT_EQ(queue.pop(), 0);
  EXPECT_EQ(queue.pop(), 10);
  EXPECT_EQ(queue.pop(), 20);
}

TEST(OrderedQueue, CloseLeavesWhatIsCompleteToTheConsumer) {
  OrderedQueue<int> queue(4);
  queue.push(0, 0);
  queue.push(2, 20);
  queue.close();
  EXPECT_FALSE(queue.push(1, 10));
  EXPECT_EQ(queue.pop(), 0);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(OrderedQueue, CancelThrowsAwayWhatIsLeft) {
  OrderedQueue<std::shared_ptr<int>> queue(3);
  auto item = std::make_shared<int>(1);
  queue.push(0, item);
  queue.cancel();
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(OrderedQueue, ManyProducersMakeOneOrder) {
  constexpr int kProducers = 4;
  constexpr int kItems = 2000;
  OrderedQueue<int> queue(8);
  std::vector<std::jthread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&queue, producer] {
      for (int number = producer; number < kItems; number += kProducers) queue.push(number, number);
    });
  }
  for (int number = 0; number < kItems; ++number) ASSERT_EQ(queue.pop(), number);
}

}  // namespace
}  // namespace zoo::streams
