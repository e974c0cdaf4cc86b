// Pictures to class scores: preprocessing, network and softmax in one object.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::pipeline {

/// One guess.
struct ClassScore {
  int64_t index = 0;
  std::string label;   ///< from the model file; "class 12" where it names none
  double score = 0.0;  ///< softmax probability
  double logit = 0.0;  ///< the network's own score
};

/// The best guesses for one picture, best first (equal scores: lower index first).
struct Classification {
  std::vector<ClassScore> top;
  StageTimes times;
};

struct ClassifierOptions {
  /// Guesses per picture, at least 1; never more than the model has classes.
  int64_t top_k = 5;
  /// Guesses that score less are left out; possibly all.
  double score_thresh = 0.0;
  NetworkOptions network = {};
};

/// The `count` highest softmax probabilities, best first, labelled. Computed in double, so that large scores do not
/// overflow. Throws EngineError when a score is NaN or infinite.
std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count);

/// Classifies one picture after the other; one thread at a time, see NetworkRunner.
class Classifier {
 public:
  /// Throws Error when the model is no classifier or an option is out of range, GraphError and EngineError as
  /// Model::compile.
  explicit Classifier(std::shared_ptr<const models::Model> model, const ClassifierOptions& options = {});
  explicit Classifier(models::Model model, const ClassifierOptions& options = {});

  /// `frame` and errors: as NetworkRunner::run.
  Classification classify(const cv::Mat& frame) { return classify(frame, top_k_); }
  /// The same with another number of guesses than the options'. Throws Error below 1.
  Classification classify(const cv::Mat& frame, int64_t top_k);

  const models::Model& model() const { return network_.model(); }

 private:
  NetworkRunner network_;
  int64_t top_k_;
  double score_thresh_;
};

}  // namespace zoo::pipeline
