// The work of `predict`: sources in, results out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/display.h"
#include "apps/json_array.h"
#include "apps/output.h"
#include "apps/predict_report.h"
#include "apps/progress.h"
#include "apps/startup_clock.h"
#include "pipeline/video/frame_source.h"
#include "sinks/frame_writer.h"
#include "sinks/result_folders.h"
#include "streams/source_opener.h"
#include "streams/video_pipeline.h"

namespace zoo::apps {

struct PredictOptions {
  std::string save_folder;          ///< empty: nothing is saved
  std::optional<std::string> json;  ///< file, or "-" for standard output instead of text
  std::string masks_folder;         ///< label maps of a segmentation; empty: none
  std::string coco;                 ///< file; empty: none
  bool quiet = false;               ///< no text on standard output
  bool show = false;
  bool timing = false;
  int64_t max_frames = 0;
  int predict_threads = 1;  ///< streams::PipelineOptions
};

/// Feeds sources through a predictor, one after the other, and reports every frame. Opens outputs at construction,
/// so that a wrong path is noticed before the work.
class PredictSession {
 public:
  using Predictor = std::function<pipeline::TaskResult(const cv::Mat&)>;

  /// `files`: what the run reads and the files that it writes, `options` named included. `clock` must have every lap up
  /// to the first frame.
  PredictSession(Predictor predictor, std::vector<pipeline::SourceSpec> sources, std::shared_ptr<RunFiles> files,
                 const PredictOptions& options, StartupClock& clock);

  /// Throws what a source, the network or an output throws. Yields the program's exit code.
  int run();

 private:
  void run_source(size_t number);
  bool on_event(const pipeline::PipelineEvent& event);
  void on_frame(const pipeline::ProcessedFrame& item);
  std::string write_mask(const pipeline::ProcessedFrame& item);
  void on_unopened(const pipeline::SourceSpec& spec, const IoError& error);
  void on_failure(const pipeline::FrameFailure& failure);
  void end_source(const pipeline::SourceInfo& info, const streams::PipelineStats& stats);
  void report_stop(const pipeline::SourceInfo& info) const;
  void report_pictures();
  void after_first_frame(double compile_ms);

  Predictor predictor_;
  const std::vector<pipeline::SourceSpec> sources_;
  const PredictOptions options_;
  sinks::ResultFolders folders_;
  StartupClock& clock_;
  std::optional<TextOutput> text_;
  std::optional<TextOutput> json_;
  std::optional<TextReport> report_;
  std::optional<JsonArray> coco_;
  std::optional<Window> window_;

  // Of the source being worked on.
  std::unique_ptr<sinks::FrameWriter> writer_;
  std::unique_ptr<Progress> progress_;
  size_t source_number_ = 0;
  pipeline::SourceInfo info_;
  bool is_video_ = false;
  int64_t done_ = 0;
  int64_t masks_written_ = 0;

  int64_t images_ = 0;
  int64_t pictures_wanted_ = 0;      ///< of all sources
  streams::PipelineStats pictures_;  ///< of the sources that are done
  bool first_frame_ = true;
  bool window_closed_ = false;
  std::map<pipeline::FailureKind, int64_t> failures_;
};

}  // namespace zoo::apps
