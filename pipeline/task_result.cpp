#include "pipeline/task_result.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/task.h"
#include "pipeline/draw.h"

namespace zoo::pipeline {
namespace {

void draw(cv::Mat& image, const Classification& result) { draw_classes(image, result.top); }
void draw(cv::Mat& image, const FoundObjects& result) { draw_boxes(image, result.boxes); }
void draw(cv::Mat& image, const Segmentation& result) { draw_mask(image, result); }

/// Lends predictors to threads.
class PredictorPool {
 public:
  PredictorPool(std::shared_ptr<const models::Model> model, PredictorOptions options, int streams)
      : model_(std::move(model)), options_(std::move(options)), left_(streams - 1) {
    idle_.push_back(make_predictor(model_, options_));
  }

  TaskResult predict(const cv::Mat& frame) {
    Loan loan(*this, take());
    return loan.predictor(frame);
  }

 private:
  using Predictor = std::function<TaskResult(const cv::Mat&)>;

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
      Predictor made = make_predictor(model_, options_);
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
  PredictorOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Predictor> idle_;
  int left_;  ///< predictors that may still be made
};

}  // namespace

const StageTimes& times_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) -> const StageTimes& { return of_task.times; }, result);
}

std::function<TaskResult(const cv::Mat&)> make_predictor(std::shared_ptr<const models::Model> model,
                                                         const PredictorOptions& options) {
  const std::optional<Task> task = model->config().task;
  if (!task) throw Error(fmt::format("{}: a backbone alone has no results", model->config().file.string()));
  switch (*task) {
    case Task::kClassification: {
      auto classifier = std::make_shared<Classifier>(
          std::move(model),
          ClassifierOptions{
              .top_k = options.top_k, .score_thresh = options.score_thresh.value_or(0.0), .network = options.network});
      return [classifier](const cv::Mat& frame) { return classifier->classify(frame); };
    }
    case Task::kDetection: {
      auto detector = std::make_shared<Detector>(
          std::move(model), DetectorOptions{.score_thresh = options.score_thresh, .network = options.network});
      return [detector](const cv::Mat& frame) { return detector->detect(frame); };
    }
    case Task::kSegmentation: {
      auto segmenter = std::make_shared<Segmenter>(std::move(model), SegmenterOptions{.network = options.network});
      return [segmenter](const cv::Mat& frame) { return segmenter->segment(frame); };
    }
  }
  throw Error("no such task");
}

std::function<TaskResult(const cv::Mat&)> make_parallel_predictor(std::shared_ptr<const models::Model> model,
                                                                  const PredictorOptions& options, int streams) {
  if (streams < 1) throw Error(fmt::format("streams: expected at least 1, found {}", streams));
  auto pool = std::make_shared<PredictorPool>(std::move(model), options, streams);
  return [pool](const cv::Mat& frame) { return pool->predict(frame); };
}

void draw_result(cv::Mat& image, const TaskResult& result) {
  std::visit([&](const auto& of_task) { draw(image, of_task); }, result);
}

}  // namespace zoo::pipeline
