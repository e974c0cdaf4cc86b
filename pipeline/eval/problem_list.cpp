#include "pipeline/eval/problem_list.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/config_node.h"
#include "nn/core/error.h"

namespace zoo::eval {

void ProblemList::add(std::string problem) {
  if (count_++ < kShown) problems_.push_back(std::move(problem));
}

void ProblemList::throw_if_any() const {
  if (count_ == 0) return;
  std::vector<std::string> shown = problems_;
  if (count_ > kShown) shown.push_back(fmt::format("and {} more problems", count_ - kShown));
  throw ConfigError(std::move(shown));
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known, const ProblemList& problems) {
  if (problems.full()) return "";
  const std::string nearest = nearest_name(word, known);
  return nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest);
}

}  // namespace zoo::eval
