// Results to a stream of Redis.
//
//   STREAM               every answer and failure: fields `stream` (its name) and `json` (json_lines.h)
//   STREAM:frames:NAME   the newest pictures of the stream NAME, where they are asked for: fields `key` (NAME and
//                        number), `stream`, `frame` (the number), `wall_time`, `image` (JPEG)
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "brokers/publisher.h"
#include "brokers/redis_address.h"
#include "pipeline/result_sink.h"
#include "sinks/frame_pictures.h"

namespace zoo::sinks {

struct RedisSinkOptions {
  brokers::RedisAddress address;  ///< with the stream's key
  int64_t max_results = 100'000;  ///< about how many entries the stream keeps, the newest; 0: all
  int64_t max_frames = 5;         ///< pictures of each stream: 1 to 5
  std::string tls_ca_file = {};   ///< see brokers::RedisOptions
  std::optional<FramePictureOptions> frames = std::nullopt;
  brokers::PublisherOptions publisher = {};
  /// Asked once for the name of each stream, also of one that could never be opened.
  std::function<std::string(size_t)> name_of;
  /// Asked once for each stream: whether its source waits so that nothing is lost (a file). Empty: none does.
  std::function<bool(size_t)> waits = {};
};

/// Waits for Redis only with results of streams that do (RedisSinkOptions::waits), while it is there. While it is away,
/// results wait within the publisher's bounds, the oldest are dropped, and pictures are not made.
class RedisSink : public pipeline::ResultSink {
 public:
  /// Begins to connect. Throws Error where the module (redis) cannot be loaded or is not in this build.
  explicit RedisSink(const RedisSinkOptions& options);
  /// The same over a link that is there.
  RedisSink(std::unique_ptr<brokers::Link> link, const RedisSinkOptions& options);

  std::string name() const override { return options_.address.shown(); }
  bool wants_plain() const override { return options_.frames.has_value(); }
  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;
  /// Sends what waits as long as Publisher::stop() does.
  void finish() override { publisher_.stop(); }
  std::optional<pipeline::Delivery> delivery() const override;

 private:
  struct Stream {
    std::string name;
    bool waits = false;
  };

  void write_picture(const std::string& stream, const pipeline::ProcessedFrame& item);
  const Stream& stream_of(size_t number);

  const RedisSinkOptions options_;
  std::map<size_t, Stream> streams_;
  std::optional<FramePictures> pictures_;
  brokers::Publisher publisher_;
};

}  // namespace zoo::sinks
