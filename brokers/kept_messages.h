// What holds at a broker until the next message of its place: the newest of each. Internal to brokers/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "brokers/message.h"

namespace zoo::brokers {

/// Not thread-safe.
class KeptMessages {
 public:
  /// Of those that are in turn (Message::in_turn) so many of a place wait for the newest; then the oldest go.
  static constexpr size_t kMostInTurn = 100;

  /// `max_bytes`: of the payloads of those that do not last; the oldest make room for new ones, of which one at least
  /// waits.
  explicit KeptMessages(size_t max_bytes) : max_bytes_(max_bytes) {}

  void keep(Message message);
  void forget(const std::string& place);

  /// Everything is to be sent: what is kept by now, in the order of places; then what is kept later, in that of time.
  void begin_connection();
  /// Whether what was kept when the connection began is sent.
  bool introduced() const { return unsent_.empty() || unsent_.begin()->first > last_of_introduction_; }
  bool all_sent() const { return unsent_.empty(); }

  struct Batch {
    std::vector<Message> messages;
    std::vector<int64_t> versions;
  };
  /// The next ones, at most `count`.
  Batch next(size_t count) const;
  /// The broker has the first `count` of these. What was kept of their places meanwhile comes last.
  void note_delivered(const Batch& batch, size_t count);

 private:
  struct Kept {
    Message message;
    int64_t version = 0;
    int64_t turn = 0;                                ///< in unsent_; 0: it is sent
    std::deque<std::pair<int64_t, Message>> before;  ///< versions that are to be sent first
  };
  using Place = std::map<std::string, Kept>::iterator;

  void queue(Place place);
  void erase(Place place);
  void make_room();

  const size_t max_bytes_;
  std::map<std::string, Kept> kept_;
  std::map<int64_t, std::string> unsent_;  ///< places by turn
  int64_t last_version_ = 0;
  int64_t last_turn_ = 0;
  int64_t last_of_introduction_ = 0;
  size_t passing_bytes_ = 0;  ///< of those that do not last
};

}  // namespace zoo::brokers
