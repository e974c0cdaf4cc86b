#include "streams/predictor_pool.h"

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
  PredictorPool(std::shared_ptr<const models::Model> model, pipeline::PredictorOptions options, int streams)
      : model_(std::move(model)), options_(std::move(options)), left_(streams - 1) {
    idle_.push_back(pipeline::make_predictor(model_, options_));
  }

  pipeline::TaskResult predict(const cv::Mat& frame) {
    Loan loan(*this, take());
    return loan.predictor(frame);
  }

 private:
  using Predictor = std::function<pipeline::TaskResult(const cv::Mat&)>;

  struct Loan {
    Loan(PredictorPool& owner, Predictor lent) : pool(owner), predictor(std::move(lent)) {}
    ~Loan() { pool.give_back(std::move(predictor)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;

    PredictorPool& pool;
    Predictor predictor;
  };

  Predictor take() {
    std::unique_lock lock(mutex_);
    if (idle_.empty() && left_ > 0) {
      Predictor made = pipeline::make_predictor(model_, options_);
      --left_;
      return made;
    }
    returned_.wait(lock, [this] { return !idle_.empty(); });
    Predictor predictor = std::move(idle_.back());
    idle_.pop_back();
    return predictor;
  }

  void give_back(Predictor predictor) {
    {
      const std::scoped_lock lock(mutex_);
      idle_.push_back(std::move(predictor));
    }
    returned_.notify_one();
  }

  std::shared_ptr<const models::Model> model_;
  pipeline::PredictorOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Predictor> idle_;
  int left_;  ///< predictors that may still be made
};

}  // namespace

std::function<pipeline::TaskResult(const cv::Mat&)> make_parallel_predictor(std::shared_ptr<const models::Model> model,
                                                                            const pipeline::PredictorOptions& options,
                                                                            int streams) {
  if (streams < 1) throw Error(fmt::format("streams: expected at least 1, found {}", streams));
  auto pool = std::make_shared<PredictorPool>(std::move(model), options, streams);
  return [pool](const cv::Mat& frame) { return pool->predict(frame); };
}

}  // namespace zoo::streams
