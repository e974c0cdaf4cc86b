#include "streams/stream_account.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace zoo::streams {
namespace {

constexpr size_t kAges = 1000;
constexpr std::chrono::hours kRemembered{1};
constexpr size_t kFewInterruptions = 2;
constexpr size_t kManyInterruptions = 10;

}  // namespace

void StreamAccount::note_captured(Clock::TimePoint now) {
  ++counts_.captured;
  ++counts_.in_flight;
  captured_.note(now);
}

void StreamAccount::note_dropped(DropReason reason) {
  --counts_.in_flight;
  ++counts_.dropped_for[static_cast<size_t>(reason)];
}

void StreamAccount::note_failed() {
  --counts_.in_flight;
  ++counts_.failed;
}

void StreamAccount::note_answered(Clock::TimePoint captured_at, Clock::TimePoint now, bool late) {
  --counts_.in_flight;
  ++(late ? counts_.late : counts_.ok);
  answered_.note(now);
  const auto age_ms = std::chrono::duration<float, std::milli>(now - captured_at).count();
  last_age_ms_ = age_ms;
  if (ages_ms_.size() < kAges) {
    ages_ms_.push_back(age_ms);
    return;
  }
  ages_ms_[oldest_age_] = age_ms;
  oldest_age_ = (oldest_age_ + 1) % kAges;
}

void StreamAccount::note_interruption(Clock::TimePoint now) {
  interruptions_.push_back(now);
  if (interruptions_.size() > kManyInterruptions + 1) interruptions_.pop_front();
}

std::string_view StreamAccount::quality(StreamState state, Clock::TimePoint now) const {
  if (counts_.captured == 0 && state != StreamState::kStalled) return "";
  const auto recent = static_cast<size_t>(
      std::ranges::count_if(interruptions_, [&](Clock::TimePoint time) { return now - time < kRemembered; }));
  const bool runs = state == StreamState::kRunning || state == StreamState::kEnded;
  if (!runs || recent > kManyInterruptions) return "unusable";
  if (recent > kFewInterruptions) return "poor";
  return recent > 0 ? "fair" : "excellent";
}

FrameAges ages_of(std::vector<float> ages_ms, double last_ms) {
  if (ages_ms.empty()) return {};
  const auto rank = [&](double share) {
    const auto count = static_cast<double>(ages_ms.size());
    const auto place = ages_ms.begin() + static_cast<std::ptrdiff_t>(std::ceil(share * count)) - 1;
    std::ranges::nth_element(ages_ms, place);
    return static_cast<double>(*place);
  };
  const double p50 = rank(0.50);
  return {.p50_ms = p50, .p99_ms = rank(0.99), .last_ms = last_ms};
}

}  // namespace zoo::streams
