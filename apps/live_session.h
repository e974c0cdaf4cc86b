// The work of `live`: streams in, results out, for as long as it is wanted.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/live_json.h"
#include "nn/core/run_files.h"
#include "sinks/stream_videos_sink.h"
#include "sinks/video_options.h"
#include "streams/live_streams.h"
#include "streams/named_source.h"

namespace zoo::apps {

class StreamsFile;

struct LiveSessionOptions {
  int workers = 1;
  std::optional<std::string> json;        ///< file, or "-" for standard output
  std::string save_folder;                ///< of recordings; empty: none
  sinks::VideoOptions video;              ///< of them; all but `stop`
  std::shared_ptr<RunFiles> files;        ///< what the run reads and writes
  std::chrono::seconds counts_every{10};  ///< between two lines of counters in the JSON
  std::filesystem::path streams_file;     ///< read again when it is saved; empty: none
  streams::StreamDefaults defaults;       ///< of the streams in it
  std::function<void()> reload_model;     ///< SIGHUP asks for it
};

/// Runs streams until all have ended or somebody stops the program; without end where streams can be added later.
class LiveSession {
 public:
  /// Opens the outputs. Throws IoError.
  LiveSession(std::shared_ptr<streams::ModelSlot> model, LiveSessionOptions options);
  ~LiveSession();
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  /// Begins with these streams. Yields the program's exit code.
  int run(const std::vector<streams::StreamOptions>& streams);

 private:
  bool goes_on() const;
  void show_table() const;
  void write_counts();
  int finish();

  const LiveSessionOptions options_;
  LiveJson* json_ = nullptr;                   ///< of `streams_`
  sinks::StreamVideosSink* videos_ = nullptr;  ///< likewise
  std::unique_ptr<streams::LiveStreams> streams_;
  std::unique_ptr<StreamsFile> file_;
  bool some_failed_ = false;
};

}  // namespace zoo::apps
