#include "streams/streams_file.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "nn/core/config_node.h"
#include "nn/core/error.h"
#include "streams/named_source.h"

namespace zoo::streams {
namespace {

constexpr double kMaxTimeoutSeconds = 86'400.0;

void read_timeout(const ConfigNode& map, const char* key, std::chrono::milliseconds& timeout) {
  const ConfigNode node = map.find(key);
  if (!given(node)) return;
  const double seconds = node.as_double(1.0);
  if (seconds < 0.001 || seconds > kMaxTimeoutSeconds) {
    node.problem(fmt::format("expected 0.001 to {} seconds, found {}", kMaxTimeoutSeconds, seconds));
    return;
  }
  timeout = std::chrono::milliseconds(std::llround(seconds * 1000.0));
}

void read_options(const ConfigNode& map, StreamDefaults& options) {
  if (const ConfigNode policy = map.find("policy"); given(policy)) {
    try {
      options.policy = frame_policy_from(policy.as_string("latest"));
    } catch (const Error& error) {
      policy.problem(error.what());
    }
  }
  read_timeout(map, "open_timeout_s", options.open_timeout);
  read_timeout(map, "stall_timeout_s", options.stall_timeout);
  options.reconnects = map.find("reconnect").as_bool(options.reconnects);
  options.max_frames = map.find("max_frames").as_int_in(0, std::numeric_limits<int64_t>::max(), options.max_frames);
}

std::vector<StreamOptions> decode(const ConfigDocument& document, const StreamDefaults& defaults) {
  const ConfigNode all = document.root().at("streams");
  std::vector<StreamOptions> streams;
  for (const std::string& name : all.keys()) {
    const ConfigNode stream = all.at(name);
    if (!is_stream_name(name)) stream.problem(fmt::format("the name of a stream: expected {}", stream_name_rule()));
    StreamDefaults options = defaults;
    ConfigNode source = stream;
    if (stream.is_map()) {
      source = stream.at("source");
      read_options(stream, options);
    }
    const std::string text = source.as_string();
    if (text.empty() || !is_stream_name(name)) continue;
    try {
      streams.push_back(stream_from({name, text}, options));
    } catch (const Error& error) {
      source.problem(error.what());
    }
  }
  document.finish();
  return streams;
}

}  // namespace

std::vector<StreamOptions> load_streams_file(const std::filesystem::path& file, const StreamDefaults& defaults) {
  return decode(ConfigDocument::load(file), defaults);
}

std::vector<StreamOptions> parse_streams(std::string_view text, const std::string& file_name,
                                         const StreamDefaults& defaults) {
  return decode(ConfigDocument::parse(text, file_name), defaults);
}

}  // namespace zoo::streams
