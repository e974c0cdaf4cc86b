// How often a classifier is right.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/eval/confusion_matrix.h"
#include "pipeline/tasks/class_scores.h"

namespace zoo::eval {

/// How many guesses top-5 looks at.
inline constexpr int64_t kTopGuesses = 5;

/// Of the pictures of one class, or of all.
struct TopKCount {
  int64_t pictures = 0;
  int64_t top1 = 0;  ///< the best guess was right
  int64_t top5 = 0;  ///< one of the best five was right

  /// Shares of the pictures; nothing without pictures.
  std::optional<double> top1_share() const;
  std::optional<double> top5_share() const;
};

struct TopKSummary {
  TopKCount all;
  std::vector<TopKCount> classes;  ///< by true class
  /// Mean of the classes' top-1 shares over the classes that have pictures: what `all` would be if every class had as
  /// many.
  std::optional<double> class_mean;
  ConfusionMatrix confusion;                     ///< the best guesses
  std::vector<pipeline::Certainty> certainties;  ///< one per picture, in no order
};

/// Counts; parts that saw different pictures merge into the same result in any order.
class TopKMetric {
 public:
  explicit TopKMetric(int64_t classes);

  /// One picture. `guesses`: classes, best first; at least kTopGuesses where the model has as many.
  void add(int64_t truth, std::span<const int64_t> guesses, const pipeline::Certainty& certainty = {});
  void merge(const TopKMetric& other);
  /// What was gathered, as one line of JSON, and adding that of another part: `merge` by way of a file. merge_json
  /// throws IoError for anything that to_json() of a metric of these classes would not write.
  std::string to_json() const;
  void merge_json(std::string_view json);
  TopKSummary summary() const;

 private:
  std::vector<TopKCount> classes_;
  ConfusionMatrix confusion_;
  std::vector<pipeline::Certainty> certainties_;
};

}  // namespace zoo::eval
