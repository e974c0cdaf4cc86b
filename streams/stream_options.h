// What a user asks of one stream among many.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/video/frame_source.h"

namespace zoo::streams {

/// Which frames are worked on where they come faster than that.
struct FramePolicy {
  enum class Kind {
    kLatest,  ///< the newest; one that waits is replaced
    kBlock,   ///< all: the source waits. What files are read with
    kEvery,   ///< of every `every` frames the first; of these the newest
    kMaxAge,  ///< the newest, unless it is older than `max_age` when its turn comes
  };

  Kind kind = Kind::kLatest;
  int64_t every = 1;                       ///< kEvery: at least 1
  std::chrono::milliseconds max_age{500};  ///< kMaxAge

  bool operator==(const FramePolicy&) const = default;
};

/// "latest", "block", "every 5", "max-age 500" (milliseconds). Throws Error, which names them, for anything else.
FramePolicy frame_policy_from(std::string_view text);
std::string to_string(const FramePolicy& policy);

struct StreamOptions {
  std::string name;           ///< what results, pages and messages call the stream; one of its own in a run
  pipeline::SourceSpec spec;  ///< one source; what a user wrote, see resolve_sources
  FramePolicy policy;
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds stall_timeout{10'000};
  /// Whether a source that is lost is opened again, see Backoff. What has ended by itself (files) is not.
  bool reconnects = true;
  int64_t max_frames = 0;  ///< 0: no limit
};

}  // namespace zoo::streams
