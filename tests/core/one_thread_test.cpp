#include "nn/core/one_thread.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo {
namespace {

/// What the second thread is told; empty if it was let in.
std::string refusal(const OneThread& guard) {
  std::string message;
  std::thread([&] {
    try {
      const auto use = guard.enter("Thing");
    } catch (const Error& error) {
      message = error.what();
    }
  }).join();
  return message;
}

TEST(OneThread, RefusesASecondThreadWhileOneIsInside) {
  const OneThread guard;
  {
    const auto use = guard.enter("Thing");
    EXPECT_EQ(refusal(guard),
              "Thing: two threads use it at once, but it serves one thread at a time; make one per thread (they share "
              "what is compiled)");
  }
  EXPECT_EQ(refusal(guard), "");
}

TEST(OneThread, LetsTheSameThreadInAgain) {
  const OneThread guard;
  const auto outer = guard.enter("Thing");
  { const auto inner = guard.enter("Thing"); }
  EXPECT_NE(refusal(guard), "") << "the inner one has not let others in";
}

TEST(OneThread, AUseCanBeHandedOn) {
  const OneThread guard;
  {
    auto use = guard.enter("Thing");
    const auto handed_on = std::move(use);
    EXPECT_NE(refusal(guard), "");
  }
  EXPECT_EQ(refusal(guard), "");
}

TEST(OneThread, AMovedObjectIsFree) {
  OneThread guard;
  const OneThread moved = std::move(guard);
  EXPECT_EQ(refusal(moved), "");
}

TEST(OneThread, KeepsThreadsApartThatComeTogether) {
  const OneThread guard;
  int inside = 0;  // without a lock: whoever is inside has it alone
  std::atomic<int> entered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        try {
          const auto use = guard.enter("Thing");
          ++inside;
          ++entered;
        } catch (const Error&) {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(inside, entered);
}

}  // namespace
}  // namespace zoo
