#include "serve/view/view_json.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "nn/core/error.h"
#include "nn/core/json_nesting.h"
#include "nn/core/shown_text.h"
#include "streams/streams_json.h"

namespace zoo::serve {
namespace {

using nlohmann::json;

constexpr const char* kKeys = "name, source, policy, open_timeout_s, stall_timeout_s, reconnect, max_frames";

std::string compact(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Reads one key after the other, and all that is wrong.
class StreamReader {
 public:
  explicit StreamReader(std::string_view text) {
    if (too_deep_json(text)) throw Error("a stream is a flat JSON object");
    value_ = json::parse(text, nullptr, false);
    if (!value_.is_object()) {
      throw Error(R"(a JSON object is expected, e.g. {"name":"door","source":"rtsp://camera/door"})");
    }
  }

  std::string text(const char* key) {
    const json* found = find(key);
    if (found == nullptr) return {};
    if (found->is_string()) return found->get<std::string>();
    problem(key, "expected text");
    return {};
  }
  std::optional<double> number(const char* key, double lowest, double highest) {
    const json* found = find(key);
    if (found == nullptr) return std::nullopt;
    if (found->is_number() && found->get<double>() >= lowest && found->get<double>() <= highest) {
      return found->get<double>();
    }
    problem(key, fmt::format("expected a number from {:g} to {:g}", lowest, highest));
    return std::nullopt;
  }
  std::optional<bool> truth(const char* key) {
    const json* found = find(key);
    if (found == nullptr) return std::nullopt;
    if (found->is_boolean()) return found->get<bool>();
    problem(key, "expected true or false");
    return std::nullopt;
  }

  void problem(std::string_view key, std::string_view what) { problems_.push_back(fmt::format("{}: {}", key, what)); }

  /// Throws all problems, keys that nobody asked for among them.
  void finish() {
    for (const auto& [key, ignored] : value_.items()) {
      if (std::ranges::find(known_, key) == known_.end()) {
        problem(shortened(key), fmt::format("unknown; there are {}", kKeys));
      }
    }
    if (!problems_.empty()) throw Error(fmt::format("{}", fmt::join(problems_, "; ")));
  }

 private:
  const json* find(const char* key) {
    known_.emplace_back(key);
    const auto found = value_.find(key);
    return found == value_.end() || found->is_null() ? nullptr : &*found;
  }

  json value_;
  std::vector<std::string> known_;
  std::vector<std::string> problems_;
};

/// Whether a text can only be a camera's number or a network's address, so that nobody looks for a file of that name.
bool is_camera_or_address(std::string_view source) {
  constexpr size_t kMaxCameraDigits = 3;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!source.empty() && source.size() <= kMaxCameraDigits && std::ranges::all_of(source, digit)) return true;
  const size_t colon = source.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view scheme = source.substr(0, colon);
  const auto letter = [&](char c) { return (c >= 'a' && c <= 'z') || digit(c); };
  return std::ranges::all_of(scheme, letter) && scheme != "file";
}

std::chrono::milliseconds seconds(double value) {
  return std::chrono::milliseconds(static_cast<int64_t>(value * 1000.0));
}

}  // namespace

std::string view_json(const ViewSource& source) {
  const ModelState model = source.model();
  const nlohmann::ordered_json shown = {{"name", model.name},
                                        {"version", model.version},
                                        {"swaps", model.swaps},
                                        {"failed_swaps", model.failed_swaps},
                                        {"problem", model.problem}};
  const std::vector<streams::SinkSnapshot> sinks = source.sinks ? source.sinks() : std::vector<streams::SinkSnapshot>();
  const std::string streams = streams::streams_json(source.streams(), source.total(), sinks);
  return fmt::format("{{\"model\":{},{}", compact(shown), std::string_view(streams).substr(1));
}

streams::StreamOptions stream_from_json(std::string_view text, const streams::StreamDefaults& defaults) {
  constexpr double kDay = 86'400.0;
  constexpr double kMostFrames = 1e15;
  StreamReader reader(text);
  streams::NamedSource named{.name = reader.text("name"), .source = reader.text("source")};
  streams::StreamDefaults options = defaults;
  const std::string policy = reader.text("policy");
  const std::optional<double> open_s = reader.number("open_timeout_s", 0.1, kDay);
  const std::optional<double> stall_s = reader.number("stall_timeout_s", 0.1, kDay);
  options.reconnects = reader.truth("reconnect").value_or(options.reconnects);
  const std::optional<double> frames = reader.number("max_frames", 0.0, kMostFrames);
  if (open_s) options.open_timeout = seconds(*open_s);
  if (stall_s) options.stall_timeout = seconds(*stall_s);
  if (frames) options.max_frames = static_cast<int64_t>(*frames);
  if (!policy.empty()) {
    try {
      options.policy = streams::frame_policy_from(policy);
    } catch (const Error& error) {
      reader.problem("policy", error.what());
    }
  }
  if (!streams::is_stream_name(named.name)) {
    reader.problem("name", fmt::format("a name is {}", streams::stream_name_rule()));
  }
  if (!is_camera_or_address(named.source)) {
    reader.problem("source",
                   "expected an address such as rtsp://camera/door, or a camera's number; files and pipelines "
                   "are added by the one who runs the program");
  }
  reader.finish();
  return streams::stream_from(named, options);
}

}  // namespace zoo::serve
