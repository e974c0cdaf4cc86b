// How a user names streams: `NAME=SOURCE`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/stream_options.h"

namespace zoo::streams {

/// 1 to 64 of A-Z a-z 0-9 . _ -, the first of them a letter or digit: names stand in addresses, files and JSON.
bool is_stream_name(std::string_view text);

/// What messages say is_stream_name asks for.
std::string_view stream_name_rule();

/// What a user wrote as one stream.
struct NamedSource {
  std::string name;    ///< empty: none was given
  std::string source;  ///< see resolve_sources
};

/// "door=rtsp://host/1": what stands before the first `=` is a name if it could be one (is_stream_name), so that the
/// `=` of addresses and pipelines is left alone. A file of such a name is written ./a=b.mp4.
NamedSource named_source_from(std::string_view text);

/// What holds for a stream that says nothing else.
struct StreamDefaults {
  std::optional<FramePolicy> policy = std::nullopt;  ///< empty: `block` for files, `latest` for all else
  std::chrono::milliseconds open_timeout = StreamOptions().open_timeout;
  std::chrono::milliseconds stall_timeout = StreamOptions().stall_timeout;
  bool reconnects = true;
  int64_t max_frames = 0;
};

/// A stream of `source`, which must be one video, camera, address or pipeline. Without a name it is called after the
/// source (stem_of). Throws IoError: nothing there, several, or pictures; Error: the name is none, or the source is a
/// broker.
StreamOptions stream_from(const NamedSource& source, const StreamDefaults& defaults);

/// Where the name of a stream comes from.
enum class NameOrigin { kUser, kSource };

/// Gives streams that are called after their sources different names: camera0, camera0-2. `origins`: by position; a
/// user's names are kept. Throws Error where the user gave one name twice.
void make_names_differ(std::vector<StreamOptions>& streams, std::span<const NameOrigin> origins);

}  // namespace zoo::streams
