// Results to an MQTT broker (mqtt_topics.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "brokers/mqtt_link.h"
#include "brokers/publisher.h"
#include "pipeline/result_sink.h"
#include "sinks/frame_pictures.h"
#include "sinks/mqtt_discovery.h"
#include "sinks/mqtt_topics.h"

namespace zoo::sinks {

struct MqttSinkOptions {
  brokers::MqttAddress address;  ///< with the topic that all begin with
  int qos = 1;                   ///< of the results: 0, 1, 2
  std::string tls_ca_file = {};  ///< see brokers::MqttOptions
  std::optional<FramePictureOptions> frames = std::nullopt;
  std::optional<DiscoveryOptions> discovery = std::nullopt;
  brokers::PublisherOptions publisher = {};
  /// Asked once for the name of each stream, also of one that could never be opened.
  std::function<std::string(size_t)> name_of;
  /// Asked once for each stream: whether its source waits so that nothing is lost (a file). Empty: none does.
  std::function<bool(size_t)> waits = {};
};

/// Waits for the broker only with results of streams that do (MqttSinkOptions::waits), while it is there. Results are
/// sent each, at least once with the quality of service 1; all else is retained by the broker, and sent as far as it
/// takes it: every answer's words in their order, of all other topics the newest. While the broker is away, results
/// wait within the publisher's bounds, the oldest are dropped, and pictures are not made.
class MqttSink : public pipeline::ResultSink {
 public:
  /// Begins to connect. Throws Error where the module (mqtt) cannot be loaded or is not in this build.
  explicit MqttSink(const MqttSinkOptions& options);
  /// The same over a link that is there; its will is up to who makes it.
  MqttSink(std::unique_ptr<brokers::Link> link, const MqttSinkOptions& options);

  std::string name() const override { return options_.address.server(); }
  bool wants_plain() const override { return options_.frames.has_value(); }
  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;
  /// Sends what waits as long as Publisher::stop() does, and that we are offline.
  void finish() override;
  std::optional<pipeline::Delivery> delivery() const override;

  /// What holds of a stream by now: one object of JSON. Thread-safe, as all below.
  void tell_state(const std::string& stream, const std::string& json);
  /// There is no such stream any more: nothing of it stays at the broker, nor in Home Assistant.
  void forget(const std::string& stream);
  void tell_counts(const std::string& json);
  void tell_model(const std::string& json);

 private:
  using LabelCounts = std::map<std::string, int64_t>;

  void keep(const std::string& topic, std::string payload);
  void keep_of(const std::string& stream, const std::string& topic, std::string payload);
  void keep_picture(const std::string& stream, const std::string& topic, std::shared_ptr<const std::string> jpeg);
  void note_kept(const std::string& stream, const std::string& topic);
  void write_answer(const std::string& stream, const pipeline::ProcessedFrame& item);
  void write_counts(const std::string& stream, LabelCounts& before, const pipeline::FoundObjects& objects);
  void write_picture(const std::string& stream, const pipeline::ProcessedFrame& item);
  const std::string& name_of(size_t stream);
  bool waits(size_t stream);

  const MqttSinkOptions options_;
  const MqttTopics topics_;
  std::map<size_t, std::string> names_;
  std::map<size_t, bool> waits_;           ///< by stream
  std::map<size_t, std::string> answers_;  ///< by stream
  std::map<size_t, LabelCounts> counts_;   ///< by stream
  std::optional<FramePictures> pictures_;
  std::mutex mutex_;
  std::map<std::string, std::set<std::string>> kept_;  ///< topics by stream; guarded by mutex_
  std::set<std::string> described_;                    ///< streams that Home Assistant knows; guarded by mutex_
  brokers::Publisher publisher_;
};

}  // namespace zoo::sinks
