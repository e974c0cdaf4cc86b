// How well a score tells known pictures from unknown ones, and which threshold does. A picture counts as known where it
// scores at least the threshold. No figure depends on the order of the scores.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "models/answer_config.h"
#include "pipeline/tasks/class_scores.h"

namespace zoo::eval {

/// Definitions of Hendrycks and Gimpel 2017 and of Liang et al. 2018 ("Enhancing the reliability of out-of-distribution
/// image detection in neural networks", FPR at 95 % TPR). Nothing without pictures of either kind.
struct Separation {
  /// Area under the receiver operating characteristic: how often a known picture scores higher than an unknown one,
  /// ties as half. 0.5 is chance.
  std::optional<double> auroc;
  /// Share of the unknown pictures that count as known where at least 95 % of the known ones do.
  std::optional<double> fpr95;
};
Separation separation_of(std::span<const double> known, std::span<const double> unknown);

/// Share that scores at least this; nothing without scores.
std::optional<double> share_from(double threshold, std::span<const double> scores);

/// The highest threshold at which at least the share `keep` (0 to 1) of these scores is kept. Throws Error without any.
double threshold_keeping(double keep, std::span<const double> known);
/// The threshold with the largest share of known pictures kept less share of unknown ones kept (Youden's J), between
/// the lowest score that is kept and the next one below; of equal ones the lowest. Throws Error without either.
double threshold_between(std::span<const double> known, std::span<const double> unknown);

/// One score of every picture.
std::vector<double> scores_of(std::span<const pipeline::Certainty> pictures, models::CertaintyScore score);

}  // namespace zoo::eval
