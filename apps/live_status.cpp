#include "apps/live_status.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::apps {

void LiveStatus::add(const pipeline::FrameEvent& event, double now_s) {
  constexpr double kRecentSeconds = 2.0;
  ++frames_;
  recent_s_.push_back(now_s);
  while (now_s - recent_s_.front() > kRecentSeconds) recent_s_.pop_front();
  if (const auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) {
    captured_ = std::max(captured_, item->frame.index + 1);
    age_s_ = std::max(0.0, now_s - item->frame.time_s);
  } else {
    captured_ = std::max(captured_, std::get<pipeline::FrameFailure>(event).index + 1);
  }
}

std::string LiveStatus::text() const {
  const double spread_s = recent_s_.empty() ? 0.0 : recent_s_.back() - recent_s_.front();
  const double rate = spread_s > 0.0 ? static_cast<double>(recent_s_.size() - 1) / spread_s : 0.0;
  return fmt::format("{}  {:.1f}/s  {} dropped  {:.2f} s old", counted(frames_, "frame"), rate,
                     std::max<int64_t>(0, captured_ - frames_), age_s_);
}

}  // namespace zoo::apps
