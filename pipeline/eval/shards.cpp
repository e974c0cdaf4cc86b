#include "pipeline/eval/shards.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "nn/core/error.h"
#include "nn/core/start_thread.h"

namespace zoo::eval {
namespace {

/// What the threads share.
class Board {
 public:
  Board(int64_t items, size_t shards, const std::atomic<bool>* stop) : items_(items), running_(shards), stop_(stop) {}

  /// The next item, or -1 when there is none for this thread any more.
  int64_t take() {
    const std::scoped_lock lock(mutex_);
    if (ended_ || next_ == items_ || (stop_ != nullptr && *stop_)) return kNone;
    return next_++;
  }

  void finish() {
    change([&] { ++run_.done; });
  }

  void fail(ItemFailure failure) {
    change([&] {
      ++run_.done;
      run_.failures.push_back(std::move(failure));
    });
  }

  void give_up(int64_t item, std::exception_ptr error) {
    change([&] {
      ended_ = true;
      if (error_ && error_item_ < item) return;
      error_ = std::move(error);
      error_item_ = item;
    });
  }

  void end() {
    change([&] { ended_ = true; });
  }

  void leave() {
    change([&] { --running_; });
  }

  /// Waits until more than `done` items are; false when none will be.
  bool wait(int64_t& done) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == 0 || run_.done > done; });
    const bool more = run_.done > done;
    done = run_.done;
    return more;
  }

  /// After all threads have ended.
  ShardedRun result() {
    const std::scoped_lock lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    std::ranges::sort(run_.failures, {}, &ItemFailure::item);
    return std::move(run_);
  }

  static constexpr int64_t kNone = -1;

 private:
  template <typename Change>
  void change(Change what) {
    {
      const std::scoped_lock lock(mutex_);
      what();
    }
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const int64_t items_;
  size_t running_;
  const std::atomic<bool>* stop_;
  int64_t next_ = 0;
  bool ended_ = false;
  ShardedRun run_;
  std::exception_ptr error_;
  int64_t error_item_ = 0;
};

void run_shard(Board& board, const ShardWork& work) {
  for (int64_t item = board.take(); item != Board::kNone; item = board.take()) {
    try {
      work(item);
      board.finish();
    } catch (const IoError& error) {
      board.fail({item, error.what()});
    } catch (...) {
      board.give_up(item, std::current_exception());
    }
  }
  board.leave();
}

}  // namespace

ShardedRun run_sharded(int64_t items, std::span<const ShardWork> shards, const ShardOptions& options) {
  Board board(items, shards.size(), options.stop);
  {
    std::vector<std::jthread> threads;
    try {
      for (const ShardWork& work : shards)
        threads.push_back(start_thread("zoo-shard", [&board, &work] { run_shard(board, work); }));
      for (int64_t done = 0; board.wait(done);) {
        if (options.progress) options.progress(done);
      }
    } catch (...) {  // a thread that cannot be started, or what `progress` throws
      board.end();
      throw;
    }
  }
  return board.result();
}

}  // namespace zoo::eval
