#include "nn/engine/machine/thread_pool.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/engine/machine/parallel.h"

namespace zoo::engine {
namespace {

using ::testing::Each;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST(ThreadPool, RunsEveryPartOnceInEveryRound) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 3);
  for (const int parts : {1, 2, 3, 7, 50}) {
    std::vector<int> calls(static_cast<size_t>(parts));  // each part's own: no lock
    for (int round = 1; round <= 300; ++round) {
      pool.share(parts, [&](int64_t part, int) { ++calls[static_cast<size_t>(part)]; });
      ASSERT_THAT(calls, Each(round)) << parts;
    }
  }
  pool.share(0, [](int64_t, int) { FAIL(); });
}

TEST(ThreadPool, PoolOfOneDoesAllOnTheCaller) {
  ThreadPool pool(1);
  std::vector<std::thread::id> ids(4);
  pool.share(4, [&](int64_t part, int thread) {
    EXPECT_EQ(thread, 0);
    ids[static_cast<size_t>(part)] = std::this_thread::get_id();
  });
  EXPECT_THAT(ids, Each(std::this_thread::get_id()));
}

TEST(ThreadPool, RunsPartsAtTheSameTimeOnThreadsOfTheirOwn) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    if (round % 5 == 0) std::this_thread::sleep_for(2ms);  // until they sleep
    std::atomic<int> arrived = 0;
    std::vector<int> threads(3);
    pool.share(3, [&](int64_t part, int thread) {
      threads[static_cast<size_t>(part)] = thread;
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    });
    EXPECT_THAT(threads, ::testing::UnorderedElementsAre(0, 1, 2));
  }
}

TEST(ThreadPool, AThreadThatIsHeldUpLeavesTheOtherPartsToTheRest) {
  ThreadPool pool(2);
  std::atomic<bool> others_done = false;
  std::atomic<int> done = 0;
  pool.share(6, [&](int64_t, int thread) {
    if (thread == 1) {
      while (!others_done) std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(1ms);  // lets the other have its part
    }
    if (++done >= 5) others_done = true;
  });
  EXPECT_EQ(done, 6);
}

TEST(ThreadPool, RethrowsAndGoesOn) {
  ThreadPool pool(3);
  std::atomic<int> calls = 0;
  const auto fail = [&](int64_t part, int) {
    ++calls;
    if (part > 0) throw std::runtime_error("broken");
  };
  EXPECT_THAT([&] { pool.share(4, fail); }, ::testing::ThrowsMessage<std::runtime_error>("broken"));
  EXPECT_EQ(calls, 4);
  pool.share(5, [&](int64_t, int) { ++calls; });
  EXPECT_EQ(calls, 9);
}

TEST(ParallelFor, CoversTheItemsOnceWithAndWithoutAPool) {
  ThreadPool pool(3);
  for (ThreadPool* scope_pool : {static_cast<ThreadPool*>(nullptr), &pool}) {
    const PoolScope scope(scope_pool);
    for (const int64_t items : {0, 1, 2, 5, 100}) {
      std::vector<int> calls(static_cast<size_t>(items));
      parallel_for(3, items, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++calls[static_cast<size_t>(i)];
      });
      EXPECT_THAT(calls, Each(1)) << items;
    }
  }
}

TEST(ParallelFor, OneThreadMeansOneCallOnTheCaller) {
  ThreadPool pool(2);
  const PoolScope scope(&pool);
  std::vector<std::thread::id> callers;
  parallel_for(1, 100, [&](int64_t, int64_t) { callers.push_back(std::this_thread::get_id()); });
  EXPECT_THAT(callers, SizeIs(1));
  EXPECT_EQ(callers.front(), std::this_thread::get_id());
}

TEST(PoolScope, GivesBackThePoolBefore) {
  ThreadPool outer(1);
  ThreadPool inner(1);
  EXPECT_EQ(current_pool(), nullptr);
  {
    const PoolScope first(&outer);
    {
      const PoolScope second(&inner);
      EXPECT_EQ(current_pool(), &inner);
    }
    EXPECT_EQ(current_pool(), &outer);
  }
  EXPECT_EQ(current_pool(), nullptr);
}

}  // namespace
}  // namespace zoo::engine
