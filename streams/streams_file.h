// A small YAML of streams.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "streams/named_source.h"
#include "streams/stream_options.h"

namespace zoo::streams {

/// Reads
///   streams:
///     yard: 0                           # NAME: SOURCE
///     door:
///       source: rtsp://camera/door
///       policy: max-age 500             # latest, block, every N, max-age MS
///       open_timeout_s: 10
///       stall_timeout_s: 10
///       reconnect: true
///       max_frames: 0                   # 0: no limit
/// What a stream does not say is as in `defaults`. Throws ConfigError with every problem, a source that does not exist
/// included.
std::vector<StreamOptions> load_streams_file(const std::filesystem::path& file, const StreamDefaults& defaults = {});
/// The same from memory; `file_name` is what messages show.
std::vector<StreamOptions> parse_streams(std::string_view text, const std::string& file_name,
                                         const StreamDefaults& defaults = {});

}  // namespace zoo::streams
