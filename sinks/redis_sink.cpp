#include "sinks/redis_sink.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "brokers/redis_link.h"
#include "pipeline/tasks/rle.h"
#include "sinks/json_lines.h"
#include "sinks/publisher_delivery.h"

namespace zoo::sinks {
namespace {

/// One that takes longer is as good as away, for what is live.
constexpr std::chrono::milliseconds kConnectTimeout{2'000};
constexpr std::chrono::milliseconds kCommandTimeout{5'000};

std::unique_ptr<brokers::Link> link_of(const RedisSinkOptions& options) {
  brokers::RedisOptions redis;
  redis.connect_timeout = kConnectTimeout;
  redis.command_timeout = kCommandTimeout;
  redis.tls_ca_file = options.tls_ca_file;
  return brokers::make_redis_link(options.address, std::move(redis));
}

}  // namespace

RedisSink::RedisSink(const RedisSinkOptions& options) : RedisSink(link_of(options), options) {}

RedisSink::RedisSink(std::unique_ptr<brokers::Link> link, const RedisSinkOptions& options)
    : options_(options), publisher_(std::move(link), options.publisher) {
  if (options_.frames) pictures_.emplace(*options_.frames);
}

void RedisSink::prepare(pipeline::ProcessedFrame& item) const {
  pipeline::add_mask_counts(item.result, item.mask_counts);
}

void RedisSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t number = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  const Stream& stream = stream_of(number);
  publisher_.send({.place = options_.address.key,
                   .fields = {{"stream", stream.name}, {"json", to_json_line(event, "", stream.name)}},
                   .max_length = options_.max_results,
                   .owed = stream.waits});
  if (item != nullptr && pictures_) write_picture(stream.name, *item);
}

const RedisSink::Stream& RedisSink::stream_of(size_t number) {
  auto stream = streams_.find(number);
  if (stream == streams_.end()) {
    const bool waits = options_.waits && options_.waits(number);
    stream = streams_.emplace(number, Stream{options_.name_of(number), waits}).first;
  }
  return stream->second;
}

void RedisSink::write_picture(const std::string& stream, const pipeline::ProcessedFrame& item) {
  if (!publisher_.state().connected) return;
  std::optional<std::string> picture = pictures_->picture_of(item);
  if (!picture) return;
  publisher_.keep({.place = fmt::format("{}:frames:{}", options_.address.key, stream),
                   .fields = {{"key", fmt::format("{}/{}", stream, item.frame.index)},
                              {"stream", stream},
                              {"frame", std::to_string(item.frame.index)},
                              {"wall_time", utc_text(item.frame.wall_time)},
                              {"image", std::move(*picture)}},
                   .max_length = options_.max_frames,
                   .lasts = false});
}

std::optional<pipeline::Delivery> RedisSink::delivery() const { return delivery_of(publisher_.state()); }

}  // namespace zoo::sinks
