// How well a multi-label classifier finds every class that a picture shows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::eval {

/// At a class's threshold: how often it was there, was found, and both.
struct LabelCount {
  int64_t truth = 0;
  int64_t found = 0;
  int64_t both = 0;

  /// Nothing where there is nothing to find, or nothing was found.
  std::optional<double> precision() const;
  std::optional<double> recall() const;
  /// 2 both / (truth + found); nothing where both are 0.
  std::optional<double> f1() const;
};

struct LabelClass {
  LabelCount count;
  /// Average precision, whatever the threshold: the sum over the distinct scores s, falling, of the precision among all
  /// pictures that score at least s times the recall that s adds (scikit-learn's average_precision_score). Nothing
  /// without a picture of the class.
  std::optional<double> ap;
};

struct MultiLabelSummary {
  int64_t pictures = 0;
  std::optional<double> map;       ///< mean of the classes' `ap`
  std::optional<double> macro_f1;  ///< mean of the classes' `f1` over the classes that have pictures
  std::optional<double> micro_f1;  ///< of all classes' counts added up
  std::optional<double> exact;     ///< share of the pictures of which exactly the true classes were found
  std::vector<LabelClass> classes;
};

/// Parts that saw different pictures merge into the same summary in any order. Holds 5 bytes a picture and class.
class MultiLabelMetric {
 public:
  /// `thresholds`: one per class.
  explicit MultiLabelMetric(std::vector<double> thresholds);

  /// One picture. `scores`: of every class; `truth`: the classes it shows, ascending, each once.
  void add(std::span<const double> scores, std::span<const int64_t> truth);
  void merge(const MultiLabelMetric& other);
  /// What was gathered, as one line of JSON, and adding that of another part: `merge` by way of a file. merge_json
  /// throws IoError for anything that to_json() of a metric of these classes would not write.
  std::string to_json() const;
  void merge_json(std::string_view json);
  MultiLabelSummary summary() const;

 private:
  std::optional<double> average_precision(size_t index) const;

  std::vector<double> thresholds_;
  std::vector<LabelCount> counts_;
  int64_t pictures_ = 0;
  int64_t exact_ = 0;
  std::vector<float> scores_;   ///< [pictures, classes]
  std::vector<uint8_t> truth_;  ///< the same: 1 or 0
};

}  // namespace zoo::eval
