#include "brokers/poison_guard.h"

#include <algorithm>

namespace zoo::brokers {

bool PoisonGuard::refuses(const Message& message, Clock::TimePoint now) const {
  const auto found = refusals_.find(message.place);
  return found != refusals_.end() && now < found->second.until && message.bytes() >= found->second.bytes;
}

void PoisonGuard::refuse(const Message& message, Clock::TimePoint now) {
  refusals_[message.place] = {.bytes = message.bytes(), .until = now + kRefused};
}

void PoisonGuard::note_sent(std::span<const Message> messages, Clock::TimePoint now) {
  std::erase_if(unconfirmed_, [&](const auto& sent) {
    const bool is_confirmed = now - sent.second.at >= kConfirmed;
    if (is_confirmed) confirm(sent.first);
    return is_confirmed;
  });
  for (const Message& message : messages) {
    if (message.qos == 0 && message.retain) unconfirmed_[message.place] = {.bytes = message.bytes(), .at = now};
  }
}

void PoisonGuard::note_acknowledged(std::span<const Message> messages) {
  const auto last = std::find_if(messages.rbegin(), messages.rend(), [](const Message& one) { return one.qos > 0; });
  if (last == messages.rend()) return;
  const std::span<const Message> after(last.base(), messages.end());
  std::erase_if(unconfirmed_, [&](const auto& sent) {
    const bool came_later = std::ranges::any_of(after, [&](const Message& one) { return one.place == sent.first; });
    if (!came_later) confirm(sent.first);
    return !came_later;
  });
}

PoisonGuard::Loss PoisonGuard::note_loss(Clock::TimePoint now) {
  note_sent({}, now);
  Loss loss{.has_suspects = !unconfirmed_.empty(), .refused = std::nullopt};
  size_t largest = 0;
  for (const auto& [place, sent] : unconfirmed_) largest = std::max(largest, sent.bytes);
  for (const auto& [place, sent] : unconfirmed_) {
    if (sent.bytes < largest || ++suspicions_[place] < tries_) continue;
    const bool is_new = !refusals_.contains(place);
    refusals_[place] = {.bytes = sent.bytes, .until = now + kRefused};
    if (is_new) loss.refused = {.place = place, .bytes = sent.bytes};
  }
  unconfirmed_.clear();
  return loss;
}

}  // namespace zoo::brokers
