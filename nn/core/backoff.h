// How long to wait before what is lost, a source or a server, is tried again.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace zoo {

struct BackoffOptions {
  std::chrono::milliseconds first{500};
  double factor = 2.0;
  std::chrono::milliseconds most{30'000};
  /// Of each wait a random share up to this one is taken off, so that what was lost together does not come back
  /// together.
  double jitter = 0.2;
  /// What has worked for this long, a source that yielded frames, is as good as new.
  std::chrono::milliseconds reset_after{10'000};
  uint64_t seed = 0;
};

/// At once, then half a second, doubling up to half a minute. One thread at a time.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options);

  /// The wait before the next try; the first is none.
  std::chrono::milliseconds next();
  /// What came back has worked for so long since: begins anew if that was long enough.
  void note_worked_for(std::chrono::steady_clock::duration time);
  /// The next wait is none again.
  void reset() { tries_ = 0; }

 private:
  BackoffOptions options_;
  std::minstd_rand random_;
  int tries_ = 0;
};

}  // namespace zoo
