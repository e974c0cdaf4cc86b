// Pictures to class scores: preprocessing, network and softmax in one object.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "nn/engine/executable.h"
#include "pipeline/preprocess.h"
#include "pipeline/runner_cache.h"

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
  double preprocess_ms = 0.0;
  double infer_ms = 0.0;    ///< network and softmax
  double compile_ms = 0.0;  ///< only the first picture that needs another input size than those before
};

struct ClassifierOptions {
  /// Guesses per picture; never more than the model has classes.
  int64_t top_k = 5;
  /// Cores one picture may use; the model file's `runtime.threads` when 0.
  int threads = 0;
  engine::EngineKind engine = engine::EngineKind::kOneDnn;
  /// [H, W] of the network's input instead of the model file's, see with_input_size.
  std::optional<std::array<int64_t, 2>> input_size = std::nullopt;
};

/// The preprocessing for another input size: crops become `size`, resizing keeps its ratio to the crop (256 for 224 is
/// 320 for 280); without a crop the picture is resized to exactly `size`.
models::PreprocessConfig with_input_size(const models::PreprocessConfig& config, std::array<int64_t, 2> size);

/// The `count` highest softmax probabilities, best first, labelled. Computed in double, so that large scores do not
/// overflow. Throws EngineError when a score is NaN or infinite.
std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count);

/// Classifies one picture after the other. Holds activations and scratch memory: one thread at a time; several
/// classifiers may share a model. The network is compiled for each input size that occurs (usually one, at
/// construction) and the most recently used sizes are kept.
class Classifier {
 public:
  /// Throws Error when the model is no classifier, GraphError and EngineError as Model::compile.
  explicit Classifier(std::shared_ptr<const models::Model> model, const ClassifierOptions& options = {});
  explicit Classifier(models::Model model, const ClassifierOptions& options = {});

  /// `frame`: 8-bit BGR or grey, any size. Throws GraphError when the picture is too small for a network without a
  /// fixed input size, Error for another type of picture.
  Classification classify(const cv::Mat& frame) { return classify(frame, options_.top_k); }
  /// The same with another number of guesses than the options'.
  Classification classify(const cv::Mat& frame, int64_t top_k);

  const models::Model& model() const { return *model_; }

 private:
  engine::Runner& runner_for(std::array<int64_t, 2> size);

  std::shared_ptr<const models::Model> model_;
  ClassifierOptions options_;
  models::PreprocessConfig preprocess_;
  Preprocessor preprocessor_;
  RunnerCache runners_;
};

}  // namespace zoo::pipeline
