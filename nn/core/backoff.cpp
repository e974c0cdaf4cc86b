#include "nn/core/backoff.h"

#include <algorithm>
#include <cmath>

namespace zoo {

// A seed of 0 and one of 1 are the same to minstd_rand.
Backoff::Backoff(const BackoffOptions& options)
    : options_(options), random_(static_cast<std::minstd_rand::result_type>(options.seed + 1)) {}

std::chrono::milliseconds Backoff::next() {
  const int tried = tries_++;
  if (tried == 0) return std::chrono::milliseconds(0);
  const double most = static_cast<double>(options_.most.count());
  const double wait =
      std::min(most, static_cast<double>(options_.first.count()) * std::pow(options_.factor, tried - 1));
  const double kept = 1.0 - options_.jitter * std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  return std::chrono::milliseconds(std::llround(wait * kept));
}

void Backoff::note_worked_for(std::chrono::steady_clock::duration time) {
  if (time >= options_.reset_after) reset();
}

}  // namespace zoo
