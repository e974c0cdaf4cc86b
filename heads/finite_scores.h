// Networks that yield no numbers are found out before their scores are compared.
#pragma once

#include <span>

namespace zoo::heads {

/// Throws EngineError if a score is NaN or infinite.
void check_finite_scores(std::span<const float> scores);

}  // namespace zoo::heads
