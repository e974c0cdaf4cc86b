// What a classifier may answer beside its best guess: that it knows none of it, names that stand still on video,
// several classes at once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::models {

/// What says how well a picture is known; the higher, the better. p: softmax probabilities, best first.
enum class CertaintyScore {
  kMaxProbability,  ///< p[0] (Hendrycks and Gimpel 2017, "A baseline for detecting misclassified and
                    ///< out-of-distribution examples")
  kMargin,          ///< p[0] - p[1]; p[0] of a network with one class
  kEnergy,          ///< log of the sum of exp(logit): the negative energy of Liu et al. 2020, "Energy-based
                    ///< out-of-distribution detection", at temperature 1
};

inline constexpr std::array kCertaintyScores = {CertaintyScore::kMaxProbability, CertaintyScore::kMargin,
                                                CertaintyScore::kEnergy};

/// "max_probability", "margin", "energy".
std::string_view to_string(CertaintyScore score);
std::optional<CertaintyScore> certainty_score_from(std::string_view name);

/// `model.unknown`: a picture that scores below the threshold shows none of the classes.
struct UnknownConfig {
  CertaintyScore score = CertaintyScore::kMaxProbability;
  double threshold = 0.0;

  bool operator==(const UnknownConfig&) const = default;
};

/// `model.smoothing`: see pipeline/tasks/label_smoother.h.
struct SmoothingConfig {
  double window_s = 1.0;    ///< over 0
  double hysteresis = 0.1;  ///< share of the window, 0 to 1

  bool operator==(const SmoothingConfig&) const = default;
};

/// `model.multi_label`: scores are sigmoids, and every class that reaches its threshold is an answer.
struct MultiLabelConfig {
  std::vector<double> thresholds;  ///< one per class, 0 to 1

  bool operator==(const MultiLabelConfig&) const = default;
};

/// All three; absent where the model file says nothing.
struct AnswerConfig {
  std::optional<UnknownConfig> unknown = std::nullopt;
  std::optional<SmoothingConfig> smoothing = std::nullopt;
  std::optional<MultiLabelConfig> multi_label = std::nullopt;

  bool operator==(const AnswerConfig&) const = default;
};

/// The keys of `model` that this reads.
inline constexpr std::array<const char*, 3> kAnswerKeys = {"unknown", "smoothing", "multi_label"};

/// Reads these keys of a classification's `model`. Problems are recorded in the nodes.
AnswerConfig decode_answers(const ConfigNode& model, const std::vector<std::string>& labels, int64_t num_classes);

/// Records a problem for each of the keys that is given: a model of another task has none. `what`: "a detection".
void refuse_answers(const ConfigNode& model, std::string_view what);

/// `margin below 0.6`, `over 1 s, hysteresis 0.1`, `every class from 0.5 (cat 0.3)`, for messages.
std::string to_string(const UnknownConfig& config);
std::string to_string(const SmoothingConfig& config);
std::string to_string(const MultiLabelConfig& config, const std::vector<std::string>& labels);

/// The keys that are given, each with its text.
std::vector<std::pair<std::string, std::string>> texts_of(const AnswerConfig& config,
                                                          const std::vector<std::string>& labels);

}  // namespace zoo::models
