// What was taken for what.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace zoo::eval {

/// Counts of (true class, found class). Only pairs that occur take memory.
class ConfusionMatrix {
 public:
  using Pair = std::pair<int64_t, int64_t>;

  explicit ConfusionMatrix(int64_t classes = 0) : classes_(classes) {}

  int64_t classes() const { return classes_; }
  /// The column of what got no class at all.
  int64_t nothing() const { return classes_; }

  /// `truth` in [0, classes), `found` in [0, classes].
  void add(int64_t truth, int64_t found, int64_t count = 1);
  void merge(const ConfusionMatrix& other);

  int64_t at(int64_t truth, int64_t found) const;
  /// How often each class was true; [classes].
  std::vector<int64_t> truths() const;
  /// How often each class was found; [classes].
  std::vector<int64_t> founds() const;
  /// By true, then by found class; no count is 0.
  const std::map<Pair, int64_t>& counts() const { return counts_; }

 private:
  int64_t classes_;
  std::map<Pair, int64_t> counts_;
};

}  // namespace zoo::eval
