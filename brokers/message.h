// What is sent to a broker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zoo::brokers {

struct Field {
  std::string name;  ///< of Redis only
  std::string value;
};

struct Message {
  std::string place;          ///< MQTT: the topic. Redis: the key of the stream
  std::vector<Field> fields;  ///< of an entry of Redis; MQTT has one, whose value is the payload
  /// MQTT: the payload instead of a field, which several messages share.
  std::shared_ptr<const std::string> shared_payload = nullptr;
  int qos = 1;             ///< MQTT: 0 at most once, 1 at least once, 2 exactly once
  bool retain = false;     ///< MQTT: the broker keeps the newest of the topic for those who come later
  int64_t max_length = 0;  ///< Redis: about so many of the newest entries stay in the stream; 0: all
  bool lasts = true;       ///< of what is kept (Publisher::keep): sent again after each connect; else only once
  bool in_turn = false;    ///< of what is kept: what it takes the place of is sent before it, where it was not yet
  bool owed = false;       ///< of what is sent (Publisher::send): it waits for room, and its loss is counted apart

  /// Of MQTT.
  const std::string& payload() const { return shared_payload ? *shared_payload : fields.front().value; }
  size_t bytes() const {
    size_t sum = place.size() + (shared_payload ? shared_payload->size() : 0);
    for (const Field& field : fields) sum += field.name.size() + field.value.size();
    return sum;
  }
};

}  // namespace zoo::brokers
