// Pictures to class scores: preprocessing, network and softmax in one object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "pipeline/tasks/class_scores.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::pipeline {

/// The name that a video has shown of late, see label_smoother.h.
struct SteadyLabel {
  std::optional<int64_t> index;  ///< empty: unknown
  std::string label;             ///< kUnknownLabel where there is no index
  double score = 0.0;            ///< mean of the best guesses' scores over the window's frames with this name
  double share = 0.0;            ///< of the window in which frames had this name
};

/// What a picture shows.
struct Classification {
  std::vector<ClassScore> top;  ///< guesses, best first (equal scores: lower index first)
  StageTimes times = {};
  /// Where the model file has `unknown`, or it was asked for.
  std::optional<Certainty> certainty = std::nullopt;
  /// Where the model file has `unknown`: whether the picture shows one of the classes. `top` is what it is either way.
  std::optional<bool> known = std::nullopt;
  double known_score = 0.0;  ///< where there is `known`: the certainty that the model file decides by
  /// The model file has `multi_label`: `top` are the classes that reach their thresholds, possibly none.
  bool multi_label = false;
  /// The model file's `smoothing`, for who follows a video.
  std::optional<models::SmoothingConfig> smoothing = std::nullopt;
  std::optional<SteadyLabel> steady = std::nullopt;  ///< of a video, by who follows it
};

struct ClassifierOptions {
  /// Guesses per picture, at least 1; never more than the model has classes. A multi-label model yields what reaches
  /// the thresholds.
  int64_t top_k = 5;
  /// Guesses that score less are left out; possibly all.
  double score_thresh = 0.0;
  NetworkOptions network = {};
  /// Whether every Classification has its `certainty`.
  bool certainty = false;
};

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
  /// The sigmoid of every class. `frame` and errors: as NetworkRunner::run.
  std::vector<double> all_sigmoids(const cv::Mat& frame);

  const models::Model& model() const { return network_.model(); }

 private:
  NetworkRunner network_;
  int64_t top_k_;
  double score_thresh_;
  bool certainty_;
};

}  // namespace zoo::pipeline
