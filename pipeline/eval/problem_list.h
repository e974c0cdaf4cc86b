// What is wrong with a data set, all at once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoo::eval {

/// Collects problems; a data set that is wrong throughout yields the first 20 and a count.
class ProblemList {
 public:
  /// `problem`: a complete line.
  void add(std::string problem);
  bool full() const { return count_ >= kShown; }
  /// Throws ConfigError if there are any.
  void throw_if_any() const;

 private:
  static constexpr int64_t kShown = 20;

  std::vector<std::string> problems_;
  int64_t count_ = 0;
};

/// `; did you mean "dog"?` for the nearest of `known`, or nothing; nothing either where `problems` shows no more, as
/// comparing thousands of names with thousands takes its time.
std::string did_you_mean(std::string_view word, std::span<const std::string> known, const ProblemList& problems);

}  // namespace zoo::eval
