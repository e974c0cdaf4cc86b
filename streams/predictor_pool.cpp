#include "streams/predictor_pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::streams {
namespace {

/// Lends predictors to threads.
class PredictorPool {
 public:
  enum class Threads { kOfOptions, kOfPicture };

  /// At most `limit` of them.
  PredictorPool(std::shared_ptr<const models::Model> model, pipeline::PredictorOptions options, Threads threads,
                int limit)
      : model_(std::move(model)), options_(std::move(options)), threads_(threads), limit_(limit) {
    idle_.push_back(make());
    made_ = 1;
  }

  /// `wanted`: predictors that are needed just now. `threads`: of kOfPicture.
  pipeline::TaskResult predict(const cv::Mat& frame, int wanted, int threads = 1) {
    Loan loan(*this, take(threads), wanted);
    return loan.predictor.predict(frame);
  }

 private:
  struct Predictor {
    std::shared_ptr<int> threads;  ///< of the next picture
    std::function<pipeline::TaskResult(const cv::Mat&)> predict;
  };

  struct Loan {
    Loan(PredictorPool& owner, Predictor lent, int wanted)
        : pool(owner), predictor(std::move(lent)), wanted_predictors(wanted) {}
    ~Loan() { pool.give_back(std::move(predictor), wanted_predictors); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    PredictorPool& pool;
    Predictor predictor;
    int wanted_predictors;
  };

  Predictor make() const {
    Predictor made{.threads = std::make_shared<int>(1), .predict = {}};
    pipeline::PredictorOptions options = options_;
    if (threads_ == Threads::kOfPicture) options.network.threads_now = [threads = made.threads] { return *threads; };
    made.predict = pipeline::make_predictor(model_, options);
    return made;
  }

  Predictor take(int threads) {
    Predictor predictor = take_or_make();
    *predictor.threads = threads;
    return predictor;
  }

  Predictor take_or_make() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty() || made_ < limit_; });
    if (!idle_.empty()) {
      Predictor predictor = std::move(idle_.back());
      idle_.pop_back();
      return predictor;
    }
    ++made_;
    lock.unlock();  // it takes a while, and others come back meanwhile
    try {
      return make();
    } catch (...) {
      lock.lock();
      --made_;
      lock.unlock();
      returned_.notify_one();
      throw;
    }
  }

  void give_back(Predictor predictor, int wanted) {
    std::vector<Predictor> surplus;  // ends outside the lock
    {
      const std::scoped_lock lock(mutex_);
      idle_.push_back(std::move(predictor));
      while (made_ > wanted && idle_.size() > 1) {
        surplus.push_back(std::move(idle_.front()));
        idle_.erase(idle_.begin());
        --made_;
      }
    }
    returned_.notify_one();
  }

  std::shared_ptr<const models::Model> model_;
  pipeline::PredictorOptions options_;
  const Threads threads_;
  const int limit_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Predictor> idle_;
  int made_ = 0;
};

}  // namespace

std::function<pipeline::TaskResult(const cv::Mat&)> make_parallel_predictor(std::shared_ptr<const models::Model> model,
                                                                            const pipeline::PredictorOptions& options,
                                                                            int streams) {
  if (streams < 1) throw Error(fmt::format("streams: expected at least 1, found {}", streams));
  auto pool = std::make_shared<PredictorPool>(std::move(model), options, PredictorPool::Threads::kOfOptions, streams);
  return [pool, streams](const cv::Mat& frame) { return pool->predict(frame, streams); };
}

TeamPredictor make_team_predictor(std::shared_ptr<const models::Model> model, pipeline::PredictorOptions options,
                                  int cores) {
  if (cores < 1) throw Error(fmt::format("cores: expected at least 1, found {}", cores));
  options.network.threads = 1;
  options.network.tuned_threads = 1;
  auto pool =
      std::make_shared<PredictorPool>(std::move(model), std::move(options), PredictorPool::Threads::kOfPicture, cores);
  return [pool, cores](const cv::Mat& frame, int threads) {
    return pool->predict(frame, std::max(1, cores / std::max(1, threads)), threads);
  };
}

}  // namespace zoo::streams
