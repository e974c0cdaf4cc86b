#include "sinks/mqtt_sink.h"

#include <utility>
#include <variant>

#include "nn/core/shown_text.h"
#include "pipeline/tasks/result_words.h"
#include "pipeline/tasks/rle.h"
#include "sinks/json_lines.h"
#include "sinks/publisher_delivery.h"

namespace zoo::sinks {
namespace {

constexpr const char* kOnline = "online";
constexpr const char* kOffline = "offline";
/// What Home Assistant takes as a state.
constexpr size_t kMaxState = 200;

brokers::Message retained(std::string topic, std::string payload) {
  return {.place = std::move(topic), .fields = {{{}, std::move(payload)}}, .qos = 1, .retain = true};
}

std::unique_ptr<brokers::Link> link_of(const MqttSinkOptions& options) {
  brokers::MqttOptions mqtt;
  mqtt.address = options.address;
  mqtt.client_id = brokers::new_client_id();
  mqtt.tls_ca_file = options.tls_ca_file;
  mqtt.will = retained(MqttTopics(options.address.topic).available(), kOffline);
  return brokers::make_mqtt_link(std::move(mqtt));
}

}  // namespace

MqttSink::MqttSink(const MqttSinkOptions& options) : MqttSink(link_of(options), options) {}

MqttSink::MqttSink(std::unique_ptr<brokers::Link> link, const MqttSinkOptions& options)
    : options_(options), topics_(options.address.topic), publisher_(std::move(link), options.publisher) {
  if (options_.frames) pictures_.emplace(*options_.frames);
  keep(topics_.available(), kOnline);
}

void MqttSink::prepare(pipeline::ProcessedFrame& item) const {
  pipeline::add_mask_counts(item.result, item.mask_counts);
}

void MqttSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t number = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  const std::string& stream = name_of(number);
  publisher_.send({.place = topics_.result(stream),
                   .fields = {{{}, to_json_line(event, "", stream)}},
                   .qos = options_.qos,
                   .retain = false,
                   .owed = waits(number)});
  if (item == nullptr) return;
  write_answer(stream, *item);
  if (const auto* objects = std::get_if<pipeline::FoundObjects>(&item->result))
    write_counts(stream, counts_[item->frame.stream], *objects);
  if (pictures_) write_picture(stream, *item);
}

void MqttSink::write_answer(const std::string& stream, const pipeline::ProcessedFrame& item) {
  std::string words = pipeline::label_words_of(item.result);
  const auto last = answers_.find(item.frame.stream);
  if (last != answers_.end() && last->second == words) return;
  answers_[item.frame.stream] = words;
  const std::string topic = topics_.answer(stream);
  note_kept(stream, topic);
  brokers::Message message = retained(topic, shortened(words, kMaxState));
  message.in_turn = true;
  publisher_.keep(std::move(message));
}

void MqttSink::write_counts(const std::string& stream, LabelCounts& before, const pipeline::FoundObjects& objects) {
  LabelCounts now;
  for (const auto& [label, count] : before) now[label] = 0;
  for (const pipeline::FoundObject& object : objects.boxes) ++now[object.label];
  bool is_news = before.empty();
  const auto describe = [&](std::string_view label, bool is_sum) {
    if (!options_.discovery) return;
    DiscoveryMessage message = label_discovery(topics_, *options_.discovery, stream, label, is_sum);
    keep_of(stream, message.topic, std::move(message.payload));
  };
  if (before.empty() && !now.empty()) describe("all", true);
  for (const auto& [label, count] : now) {
    const auto old = before.find(label);
    if (old != before.end() && old->second == count) continue;
    is_news = true;
    keep_of(stream, topics_.label(stream, label), std::to_string(count));
    if (old == before.end()) describe(label, false);
  }
  if (is_news) keep_of(stream, topics_.all(stream), std::to_string(objects.boxes.size()));
  before = std::move(now);
}

void MqttSink::write_picture(const std::string& stream, const pipeline::ProcessedFrame& item) {
  if (!publisher_.state().connected) return;
  std::optional<std::string> jpeg = pictures_->picture_of(item);
  if (!jpeg) return;
  const auto picture = std::make_shared<const std::string>(*std::move(jpeg));
  keep_picture(stream, topics_.frame(stream), picture);
  const auto* objects = std::get_if<pipeline::FoundObjects>(&item.result);
  if (objects == nullptr) return;
  std::set<std::string> labels;
  for (const pipeline::FoundObject& object : objects->boxes) labels.insert(object.label);
  for (const std::string& label : labels) keep_picture(stream, topics_.snapshot(stream, label), picture);
}

void MqttSink::finish() { publisher_.stop({retained(topics_.available(), kOffline)}); }

std::optional<pipeline::Delivery> MqttSink::delivery() const { return delivery_of(publisher_.state()); }

void MqttSink::tell_state(const std::string& stream, const std::string& json) {
  keep_of(stream, topics_.state(stream), json);
  if (!options_.discovery) return;
  {
    const std::scoped_lock lock(mutex_);
    if (!described_.insert(stream).second) return;
  }
  for (DiscoveryMessage& message : stream_discovery(topics_, *options_.discovery, stream)) {
    keep_of(stream, message.topic, std::move(message.payload));
  }
}

void MqttSink::forget(const std::string& stream) {
  std::set<std::string> topics;
  {
    const std::scoped_lock lock(mutex_);
    described_.erase(stream);
    if (const auto found = kept_.find(stream); found != kept_.end()) {
      topics = std::move(found->second);
      kept_.erase(found);
    }
  }
  for (const std::string& topic : topics) {  // a broker lets go of a topic whose message is empty
    brokers::Message nothing = retained(topic, {});
    nothing.lasts = false;
    publisher_.keep(std::move(nothing));
  }
}

void MqttSink::tell_counts(const std::string& json) { keep(topics_.counts(), json); }
void MqttSink::tell_model(const std::string& json) { keep(topics_.model(), json); }

void MqttSink::keep(const std::string& topic, std::string payload) {
  publisher_.keep(retained(topic, std::move(payload)));
}

void MqttSink::keep_of(const std::string& stream, const std::string& topic, std::string payload) {
  note_kept(stream, topic);
  keep(topic, std::move(payload));
}

/// The next picture comes soon, so this one is sent once.
void MqttSink::keep_picture(const std::string& stream, const std::string& topic,
                            std::shared_ptr<const std::string> jpeg) {
  note_kept(stream, topic);
  publisher_.keep(
      {.place = topic, .fields = {}, .shared_payload = std::move(jpeg), .qos = 0, .retain = true, .lasts = false});
}

void MqttSink::note_kept(const std::string& stream, const std::string& topic) {
  const std::scoped_lock lock(mutex_);
  kept_[stream].insert(topic);
}

const std::string& MqttSink::name_of(size_t stream) {
  auto name = names_.find(stream);
  if (name == names_.end()) name = names_.emplace(stream, options_.name_of(stream)).first;
  return name->second;
}

bool MqttSink::waits(size_t stream) {
  const auto [waits, is_new] = waits_.try_emplace(stream, false);
  if (is_new && options_.waits) waits->second = options_.waits(stream);
  return waits->second;
}

}  // namespace zoo::sinks
