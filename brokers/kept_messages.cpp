#include "brokers/kept_messages.h"

#include <utility>

namespace zoo::brokers {
namespace {

size_t passing_bytes_of(const Message& message) { return message.lasts ? 0 : message.bytes() - message.place.size(); }

}  // namespace

void KeptMessages::keep(Message message) {
  const Place place = kept_.try_emplace(message.place).first;
  Kept& kept = place->second;
  passing_bytes_ -= passing_bytes_of(kept.message);
  if (message.in_turn && kept.turn != 0) {
    kept.before.emplace_back(kept.version, std::move(kept.message));
    if (kept.before.size() > kMostInTurn) kept.before.pop_front();
  }
  passing_bytes_ += passing_bytes_of(message);
  kept.message = std::move(message);
  kept.version = ++last_version_;
  if (kept.turn == 0) queue(place);
  make_room();
}

void KeptMessages::forget(const std::string& place) {
  if (const Place found = kept_.find(place); found != kept_.end()) erase(found);
}

void KeptMessages::begin_connection() {
  unsent_.clear();
  for (Place place = kept_.begin(); place != kept_.end(); ++place) queue(place);
  last_of_introduction_ = last_turn_;
}

KeptMessages::Batch KeptMessages::next(size_t count) const {
  Batch batch;
  for (const auto& [turn, place] : unsent_) {
    if (batch.messages.size() == count) break;
    const Kept& kept = kept_.at(place);
    for (const auto& [version, message] : kept.before) {
      if (batch.messages.size() == count) return batch;
      batch.messages.push_back(message);
      batch.versions.push_back(version);
    }
    if (batch.messages.size() == count) return batch;
    batch.messages.push_back(kept.message);
    batch.versions.push_back(kept.version);
  }
  return batch;
}

void KeptMessages::note_delivered(const Batch& batch, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Place place = kept_.find(batch.messages[i].place);
    if (place == kept_.end()) continue;
    Kept& kept = place->second;
    while (!kept.before.empty() && kept.before.front().first <= batch.versions[i]) kept.before.pop_front();
    unsent_.erase(kept.turn);
    if (kept.version != batch.versions[i]) {
      queue(place);
    } else if (kept.message.lasts) {
      kept.turn = 0;
    } else {
      erase(place);
    }
  }
}

void KeptMessages::queue(Place place) {
  place->second.turn = ++last_turn_;
  unsent_[last_turn_] = place->first;
}

void KeptMessages::erase(Place place) {
  passing_bytes_ -= passing_bytes_of(place->second.message);
  unsent_.erase(place->second.turn);
  kept_.erase(place);
}

void KeptMessages::make_room() {
  auto next = unsent_.begin();
  while (passing_bytes_ > max_bytes_ && next != unsent_.end()) {
    const Place oldest = kept_.find((next++)->second);
    const bool is_newest = oldest->second.version == last_version_;
    if (!is_newest && passing_bytes_of(oldest->second.message) > 0) erase(oldest);
  }
}

}  // namespace zoo::brokers
