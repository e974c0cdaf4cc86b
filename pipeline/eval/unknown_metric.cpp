#include "pipeline/eval/unknown_metric.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "nn/core/error.h"

namespace zoo::eval {
namespace {

constexpr double kKeptForFpr = 0.95;

std::vector<double> sorted(std::span<const double> scores) {
  std::vector<double> values(scores.begin(), scores.end());
  std::ranges::sort(values);
  return values;
}

/// Of sorted scores.
double share_of_sorted(double threshold, const std::vector<double>& scores) {
  const auto kept = scores.end() - std::ranges::lower_bound(scores, threshold);
  return static_cast<double>(kept) / static_cast<double>(scores.size());
}

double auroc(const std::vector<double>& known, const std::vector<double>& unknown) {
  double pairs = 0.0;
  for (const double score : known) {
    const auto [low, high] = std::equal_range(unknown.begin(), unknown.end(), score);
    pairs += static_cast<double>(low - unknown.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return pairs / (static_cast<double>(known.size()) * static_cast<double>(unknown.size()));
}

}  // namespace

Separation separation_of(std::span<const double> known, std::span<const double> unknown) {
  if (known.empty() || unknown.empty()) return {};
  const std::vector<double> sorted_unknown = sorted(unknown);
  return {.auroc = auroc(sorted(known), sorted_unknown),
          .fpr95 = share_of_sorted(threshold_keeping(kKeptForFpr, known), sorted_unknown)};
}

std::optional<double> share_from(double threshold, std::span<const double> scores) {
  if (scores.empty()) return std::nullopt;
  const auto kept = std::ranges::count_if(scores, [threshold](double score) { return score >= threshold; });
  return static_cast<double>(kept) / static_cast<double>(scores.size());
}

double threshold_keeping(double keep, std::span<const double> known) {
  if (known.empty()) throw Error("no pictures to keep");
  constexpr double kRounding = 1e-9;  // 0.95 * 100 is a little more than 95
  const std::vector<double> scores = sorted(known);
  const auto count = static_cast<double>(scores.size());
  const auto kept = static_cast<int64_t>(std::ceil(keep * count - kRounding));
  return scores[scores.size() - static_cast<size_t>(std::max<int64_t>(kept, 1))];
}

double threshold_between(std::span<const double> known, std::span<const double> unknown) {
  if (known.empty() || unknown.empty()) throw Error("no pictures to tell apart");
  const std::vector<double> sorted_known = sorted(known);
  const std::vector<double> sorted_unknown = sorted(unknown);
  double best = sorted_known.front();
  double best_gain = -1.0;
  for (const double threshold : sorted_known) {
    const double gain = share_of_sorted(threshold, sorted_known) - share_of_sorted(threshold, sorted_unknown);
    if (gain <= best_gain) continue;
    best = threshold;
    best_gain = gain;
  }
  const auto below = [best](const std::vector<double>& scores) {
    const auto next = std::ranges::lower_bound(scores, best);
    return next == scores.begin() ? best : *(next - 1);
  };
  const double known_below = below(sorted_known);
  const double unknown_below = below(sorted_unknown);
  // Where nothing lies below, there is nothing to keep a distance from.
  if (known_below == best) return unknown_below == best ? best : 0.5 * (best + unknown_below);
  if (unknown_below == best) return 0.5 * (best + known_below);
  return 0.5 * (best + std::max(known_below, unknown_below));
}

std::vector<double> scores_of(std::span<const pipeline::Certainty> pictures, models::CertaintyScore score) {
  std::vector<double> scores;
  scores.reserve(pictures.size());
  for (const pipeline::Certainty& certainty : pictures) scores.push_back(certainty.of(score));
  return scores;
}

}  // namespace zoo::eval
