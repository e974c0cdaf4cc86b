// From a classifier's logits to guesses, and to how well it knows the picture. Logits are computed with in double, so
// that large ones do not overflow.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/answer_config.h"

namespace zoo::pipeline {

/// What is said of a picture that shows none of the classes; no class index goes with it.
inline constexpr const char* kUnknownLabel = "unknown";

/// One guess.
struct ClassScore {
  int64_t index = 0;
  std::string label;   ///< from the model file; "class 12" where it names none
  double score = 0.0;  ///< softmax probability; of a multi-label model the sigmoid
  double logit = 0.0;  ///< the network's own score
};

/// How well a picture is known, by each of models::CertaintyScore.
struct Certainty {
  double max_probability = 0.0;
  double margin = 0.0;
  double energy = 0.0;

  double of(models::CertaintyScore score) const;
};

/// Each throws EngineError when a logit is NaN or infinite.
Certainty certainty_of(std::span<const float> logits);
/// The `count` highest softmax probabilities, best first (equal ones: lower index first), labelled.
std::vector<ClassScore> top_classes(std::span<const float> logits, const std::vector<std::string>& labels,
                                    int64_t count);
/// The classes whose sigmoid reaches their threshold, best first (equal ones: lower index first), labelled.
/// `thresholds`: as many as logits.
std::vector<ClassScore> classes_from(std::span<const double> thresholds, std::span<const float> logits,
                                     const std::vector<std::string>& labels);
/// 1 / (1 + exp(-logit)) of every class.
std::vector<double> sigmoids(std::span<const float> logits);

}  // namespace zoo::pipeline
