#include "streams/queue/read_size.h"

#include <algorithm>
#include <cmath>

namespace zoo::streams {
namespace {

/// How long a thread works before it tells what it has answered and asks for more.
constexpr double kSeconds = 0.02;
constexpr double kMostEntries = 64.0;
constexpr double kBytes = 32.0 * 1'024.0 * 1'024.0;
/// Of the size of a large entry, what is left of it with each smaller one.
constexpr double kForgetBytes = 0.99;
/// Of the mean time of an answer, how much the newest counts.
constexpr double kNewest = 0.2;

}  // namespace

void ReadSize::note_bytes(double bytes) { large_bytes_ = std::max(large_bytes_ * kForgetBytes, bytes); }

void ReadSize::note_work(double seconds) {
  mean_s_ = mean_s_ == 0.0 ? seconds : (1.0 - kNewest) * mean_s_ + kNewest * seconds;
}

void ReadSize::note_too_large() { large_bytes_ = kBytes; }

int64_t ReadSize::entries() const {
  if (mean_s_ == 0.0) return 1;
  const double most = std::min(kSeconds / mean_s_, kBytes / (1.0 + large_bytes_));
  return static_cast<int64_t>(std::clamp(std::floor(most), 1.0, kMostEntries));
}

}  // namespace zoo::streams
