// Where results go at an MQTT broker: topics as users of Frigate and Home Assistant expect them.
//
//   PREFIX/available                   online, offline
//   PREFIX/STREAM/result               every answer and failure (json_lines.h)
//   PREFIX/STREAM/answer               the labels of the newest answer, when they change
//   PREFIX/STREAM/state                state and counters of the stream (streams/streams_json.h)
//   PREFIX/STREAM/LABEL                of detections: how many there are of a label, when that changes; LABEL `all`: in
//   sum PREFIX/STREAM/frame                the newest picture (JPEG), where pictures are asked for
//   PREFIX/STREAM/LABEL/snapshot       the newest picture with such an object
//   PREFIX/counts, PREFIX/model        counters of all streams, the last change of the model
//   homeassistant/COMPONENT/NODE/OBJECT/config   what Home Assistant is told of a stream
#pragma once

#include <string>
#include <string_view>

namespace zoo::sinks {

/// One level of a topic: `%2B`, `%23` and `%2F` in place of + # and /, `%25` of a %, control characters likewise; what
/// is not UTF-8 as nn/core/shown_text.h shows it; `%` in place of nothing. Different texts stay different up to 256
/// bytes.
std::string topic_level(std::string_view text);

/// A name that Home Assistant takes in a discovery topic and as a unique id: letters, digits, _ and -; what is another
/// character makes it end in a number of its own.
std::string discovery_name(std::string_view text);

/// `prefix`: a topic without + and #.
class MqttTopics {
 public:
  explicit MqttTopics(std::string prefix) : prefix_(std::move(prefix)) {}

  const std::string& prefix() const { return prefix_; }
  std::string available() const { return prefix_ + "/available"; }
  std::string counts() const { return prefix_ + "/counts"; }
  std::string model() const { return prefix_ + "/model"; }
  std::string result(std::string_view stream) const { return of(stream, "result"); }
  std::string answer(std::string_view stream) const { return of(stream, "answer"); }
  std::string state(std::string_view stream) const { return of(stream, "state"); }
  std::string frame(std::string_view stream) const { return of(stream, "frame"); }
  std::string all(std::string_view stream) const { return of(stream, "all"); }
  /// A label that is called as one of the others begins with its first letter as `%..`.
  std::string label(std::string_view stream, std::string_view label) const;
  std::string snapshot(std::string_view stream, std::string_view label) const;

 private:
  std::string of(std::string_view stream, std::string_view what) const;

  std::string prefix_;
};

}  // namespace zoo::sinks
