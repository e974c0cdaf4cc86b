// Recordings of named streams.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nn/core/run_files.h"
#include "pipeline/result_sink.h"
#include "sinks/frame_writer.h"
#include "sinks/output_folder.h"
#include "sinks/video_options.h"

namespace zoo::sinks {

/// A video of each stream in one folder, from its begin to its end, with the times of capture:
/// NAME_20261130T102240Z.mp4 after the stream and when it began (UTC); where there is one of that name by its end,
/// NAME_20261130T102240Z-2.mp4: no recording takes the place of another.
/// Without sound. Frames of another size than the first are shown in it with black bars.
/// Where one cannot be written on (a full disk), what there is stays, which is noted (VideoOptions::on_note), and the
/// others go on.
class StreamVideosSink : public pipeline::ResultSink {
 public:
  /// Makes the folder. `files`: what the run reads and writes; nobody else may use it at the same time. Throws IoError.
  StreamVideosSink(const std::filesystem::path& folder, std::shared_ptr<RunFiles> files, VideoOptions video = {});

  std::string name() const override { return "--save"; }
  bool wants_drawing() const override { return true; }
  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void write(const pipeline::FrameEvent& event) override;
  void end(size_t stream, const pipeline::SourceStats& stats) override;
  void finish() override;
  std::vector<std::string> saved() override;
  /// Whether a recording ended before its stream. Thread-safe.
  bool some_failed() const { return some_failed_; }

 private:
  /// Does something with a recording, and lets go of it if that fails.
  template <typename Work>
  void attempt(size_t stream, Work work);
  void note_saved(const FrameWriter& writer);

  const std::shared_ptr<RunFiles> files_;
  const std::shared_ptr<OutputFolder> folder_;
  const VideoOptions video_;
  std::map<size_t, std::unique_ptr<FrameWriter>> recordings_;  ///< by stream
  std::vector<std::string> saved_;
  std::atomic<bool> some_failed_ = false;
};

}  // namespace zoo::sinks
