#include "pipeline/ordered_queue.h"

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo::pipeline {
namespace {

using namespace std::chrono_literals;

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
  std::jthread late([&] {
    std::this_thread::sleep_for(20ms);
    queue.push(0, 0);
    EXPECT_EQ(queue.pop(), 0);
  });
  EXPECT_TRUE(queue.push(2, 20)) << "once 0 is gone";
  late.join();
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
}  // namespace zoo::pipeline
