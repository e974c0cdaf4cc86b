// The work of `live`: streams in, results out, for as long as it is wanted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/live_json.h"
#include "apps/live_page.h"
#include "apps/live_publish.h"
#include "apps/live_window.h"
#include "nn/core/run_files.h"
#include "sinks/stream_videos_sink.h"
#include "sinks/video_options.h"
#include "streams/live_streams.h"
#include "streams/model_watcher.h"
#include "streams/named_source.h"

namespace zoo::apps {

class StreamsFile;

struct LiveSessionOptions {
  int workers = 1;                        ///< see streams::LiveOptions
  int frame_threads = 1;                  ///< the same
  std::optional<std::string> json;        ///< file, or "-" for standard output
  std::string save_folder;                ///< of recordings; empty: none
  sinks::VideoOptions video;              ///< of them; all but `stop`
  std::shared_ptr<RunFiles> files;        ///< what the run reads and writes
  size_t max_streams = 64;                ///< at a time
  std::chrono::seconds counts_every{10};  ///< between two lines of counters in the JSON
  std::filesystem::path streams_file;     ///< read again when it is saved; empty: none
  size_t of_file = 0;                     ///< of the streams that are begun with, the first so many are the file's
  streams::StreamDefaults defaults;       ///< of streams that come later
  bool show = false;                      ///< a window
  std::optional<LivePageOptions> page;    ///< empty: none
  PublishOptions publish;                 ///< to brokers
};

/// Runs streams until all have ended or somebody stops the program; without end where streams can be added later.
class LiveSession {
 public:
  /// Opens the outputs. Throws IoError.
  LiveSession(std::shared_ptr<streams::ModelSlot> model, LiveSessionOptions options);
  ~LiveSession();
  LiveSession(const LiveSession&) = delete;
  LiveSession& operator=(const LiveSession&) = delete;

  /// Begins with these streams, and swaps the model as `watch` says, of which it adds what it can tell. Yields the
  /// program's exit code.
  int run(const std::vector<streams::StreamOptions>& streams, streams::ModelWatcherOptions watch);

 private:
  void add_sinks(std::vector<std::unique_ptr<pipeline::ResultSink>>& sinks);
  void watch_model(streams::ModelWatcherOptions watch);
  void open_window();
  void open_page();
  /// Does something with the JSON lines, if there are any, and says what goes wrong.
  template <typename Work>
  void with_json(Work work) const;
  void on_model_change(const streams::ModelChange& change);
  serve::ModelState model_state() const;
  std::string name_of(size_t stream) const;
  bool waits(size_t stream) const;
  bool may_wait() const;
  bool goes_on();
  bool awaits_brokers();
  void update_window();
  void show_table() const;
  void write_counts();
  void publish_states(bool all);
  int finish();

  const std::shared_ptr<streams::ModelSlot> model_;
  const LiveSessionOptions options_;
  std::shared_ptr<serve::NewestFrames> frames_;
  LivePublish publish_;
  LiveJson* json_ = nullptr;                   ///< of `streams_`
  sinks::StreamVideosSink* videos_ = nullptr;  ///< likewise
  std::unique_ptr<streams::LiveStreams> streams_;
  std::unique_ptr<StreamsFile> file_;
  std::unique_ptr<streams::ModelWatcher> watcher_;
  std::unique_ptr<LivePage> page_;
  std::unique_ptr<LiveWindow> window_;
  bool window_closed_ = false;
  std::atomic<bool> ends_ = false;
  std::optional<std::chrono::steady_clock::time_point> brokers_until_;  ///< that are away, once all else is done
};

}  // namespace zoo::apps
