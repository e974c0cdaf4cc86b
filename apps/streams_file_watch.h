// Streams that come and go with the lines of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "streams/file_watch.h"
#include "streams/live_streams.h"
#include "streams/named_source.h"

namespace zoo::apps {

/// Keeps what runs in step with a file of streams (streams/streams_file.h). One thread at a time.
class StreamsFile {
 public:
  /// `running`: what was begun with, as read from the file. `max_streams`: a file with more is a wrong one.
  StreamsFile(std::filesystem::path file, streams::StreamDefaults defaults,
              const std::vector<streams::StreamOptions>& running, size_t max_streams);

  /// Reads the file again if it was saved since: ends streams that are no longer in it, begins new ones, and does both
  /// with those that changed. A wrong file changes nothing; its problems are reported once. Streams for which there was
  /// no room are tried again as soon as there is.
  void update(streams::LiveStreams& streams);

 private:
  /// Those of `streams` that can be begun; yields how many. Reports why others cannot, unless `again`.
  int64_t begin(streams::LiveStreams& live, std::map<std::string, streams::StreamOptions> streams, bool again);

  const std::filesystem::path file_;
  const streams::StreamDefaults defaults_;
  const size_t max_streams_;
  std::map<std::string, streams::StreamOptions> running_;
  std::map<std::string, streams::StreamOptions> waiting_;  ///< of the file, too, without room so far
  streams::FileWatch watch_;
  bool changed_ = false;  ///< at the last look: a file is read when it has been the same since
};

}  // namespace zoo::apps
