#include "streams/named_source.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/core/shown_text.h"

namespace zoo::streams {
namespace {

constexpr size_t kMaxName = 64;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool may_stand_in_name(char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; }

/// Of a source: what is no part of a name becomes `_`.
std::string name_after(const pipeline::SourceSpec& spec) {
  std::string name = pipeline::stem_of(spec);
  for (char& c : name) {
    if (!may_stand_in_name(c)) c = '_';
  }
  name.erase(0, std::min(name.size(), name.find_first_not_of("._-")));
  if (name.size() > kMaxName) name.resize(kMaxName);
  return name.empty() ? "stream" : name;
}

/// What may have been meant where there is no such source.
std::string name_hint(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || text.substr(0, equals).find("://") != std::string::npos) return "";
  return fmt::format("; what stands before = is no name of a stream, which has {}", stream_name_rule());
}

/// A broker would be opened as a camera, again and again.
bool is_of_broker(std::string_view text) {
  const auto begins_with = [&](std::string_view scheme) {
    return text.size() > scheme.size() && std::ranges::equal(text.substr(0, scheme.size()), scheme, [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
           });
  };
  return begins_with("redis:/") || begins_with("rediss:/") || begins_with("mqtt:/") || begins_with("mqtts:/");
}

pipeline::SourceSpec one_source(const std::string& text) {
  if (is_of_broker(text)) {
    throw Error(
        fmt::format("{}: a broker is no source: --publish ADDRESS sends results to it; pictures that wait in a "
                    "stream of Redis are for `backbone-zoo worker --queue ADDRESS`",
                    without_secrets(text)));
  }
  std::vector<pipeline::SourceSpec> specs;
  try {
    specs = pipeline::resolve_sources({&text, 1});
  } catch (const IoError& error) {
    const std::string hint = name_hint(text);
    if (hint.empty()) throw;
    throw Error(error.what() + hint);
  }
  const bool pictures = std::ranges::any_of(
      specs, [](const pipeline::SourceSpec& spec) { return spec.kind == pipeline::SourceKind::kImages; });
  if (pictures) {
    throw IoError(fmt::format(
        "{}: pictures are no stream: name a video, camera, address or gst: pipeline, or use `backbone-zoo predict`",
        without_secrets(text)));
  }
  if (specs.size() != 1) {
    throw IoError(
        fmt::format("{}: means {} sources: give each a --source of its own", without_secrets(text), specs.size()));
  }
  return std::move(specs.front());
}

}  // namespace

bool is_stream_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && is_alphanumeric(text.front()) &&
         std::ranges::all_of(text, may_stand_in_name);
}

std::string_view stream_name_rule() {
  return "1 to 64 letters (A-Z), digits, dots, dashes and underscores, beginning with a letter or digit";
}

NamedSource named_source_from(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_stream_name(text.substr(0, equals))) return {"", std::string(text)};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

StreamOptions stream_from(const NamedSource& source, const StreamDefaults& defaults) {
  if (!source.name.empty() && !is_stream_name(source.name)) {
    throw Error(fmt::format("{}: no name for a stream: expected {}", source.name, stream_name_rule()));
  }
  pipeline::SourceSpec spec = one_source(source.source);
  const bool is_file = spec.kind == pipeline::SourceKind::kVideoFile;
  const FramePolicy usual{.kind = is_file ? FramePolicy::Kind::kBlock : FramePolicy::Kind::kLatest};
  return {.name = source.name.empty() ? name_after(spec) : source.name,
          .spec = std::move(spec),
          .policy = defaults.policy.value_or(usual),
          .open_timeout = defaults.open_timeout,
          .stall_timeout = defaults.stall_timeout,
          .reconnects = defaults.reconnects,
          .max_frames = defaults.max_frames};
}

void make_names_differ(std::vector<StreamOptions>& streams, std::span<const NameOrigin> origins) {
  std::set<std::string> taken;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (origins[i] == NameOrigin::kUser && !taken.insert(streams[i].name).second) {
      throw Error(fmt::format("two streams are called {}: give each a name of its own (NAME=SOURCE)", streams[i].name));
    }
  }
  for (size_t i = 0; i < streams.size(); ++i) {
    if (origins[i] == NameOrigin::kUser) continue;
    const std::string wanted = streams[i].name;
    for (int number = 2; !taken.insert(streams[i].name).second; ++number) {
      const std::string ending = fmt::format("-{}", number);
      streams[i].name = wanted.substr(0, kMaxName - ending.size()) + ending;
    }
  }
}

}  // namespace zoo::streams
