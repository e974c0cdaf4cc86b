#include "streams/queue/source_breaker.h"

#include <utility>

#include <fmt/format.h>

namespace zoo::streams {
namespace {

constexpr BackoffOptions kBackoff = {.first = std::chrono::milliseconds(500), .most = std::chrono::seconds(10)};
/// Until another thread may try where the one that tries has not failed yet, or has found no entry.
constexpr std::chrono::milliseconds kTry{1'000};

}  // namespace

SourceBreaker::SourceBreaker(Clock& clock, std::function<void(const std::string&)> say)
    : clock_(clock), say_(std::move(say)), backoff_(kBackoff) {}

bool SourceBreaker::may_take() {
  const std::scoped_lock lock(mutex_);
  if (failures_ < kInARow) return true;
  if (clock_.now() < next_try_) return false;
  next_try_ = clock_.now() + kTry;
  return true;
}

bool SourceBreaker::is_open() const {
  const std::scoped_lock lock(mutex_);
  return failures_ >= kInARow;
}

void SourceBreaker::note_failure(const std::string& why) {
  const std::scoped_lock lock(mutex_);
  if (++failures_ < kInARow) return;
  next_try_ = clock_.now() + backoff_.next();
  if (failures_ > kInARow) return;
  opened_at_ = clock_.now();
  say_(fmt::format("{} entries in a row failed for what may pass, the last: {}; reading one at a time until one works",
                   kInARow, why));
}

void SourceBreaker::note_success() {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(failures_, 0) < kInARow) return;
  backoff_.reset();
  const std::chrono::duration<double> away = clock_.now() - opened_at_;
  say_(fmt::format("entries work again after {:.1f} s", away.count()));
}

}  // namespace zoo::streams
