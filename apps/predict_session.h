// The work of `predict`: sources in, results out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/failure_report.h"
#include "apps/startup_clock.h"
#include "apps/window_sink.h"
#include "nn/core/run_files.h"
#include "pipeline/result_sink.h"
#include "pipeline/video/frame_source.h"
#include "sinks/csv_rows.h"
#include "sinks/text_output.h"
#include "sinks/video_options.h"

namespace zoo::apps {

struct PredictOptions {
  std::string save_folder;                            ///< empty: nothing is saved
  sinks::VideoOptions video;                          ///< of what is saved; all but `stop`
  std::optional<std::string> json;                    ///< file, or "-" for standard output instead of text
  std::string masks_folder;                           ///< label maps of a segmentation; empty: none
  std::string coco;                                   ///< file; empty: none
  std::string csv;                                    ///< file, or "-" as `json`; empty: none
  sinks::CsvColumns columns = Task::kClassification;  ///< of the table
  bool quiet = false;                                 ///< no text on standard output
  bool show = false;
  bool timing = false;
  int64_t max_frames = 0;
  int predict_threads = 1;     ///< streams::PipelineOptions
  pipeline::ReadOptions read;  ///< all but `stop`
};

/// Feeds sources through a predictor, one after the other, and every result into the sinks that the options ask for.
/// Opens outputs at construction, so that a wrong path is noticed before the work.
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
  void add_sinks(std::shared_ptr<RunFiles> files);
  template <typename Sink, typename... Args>
  Sink* add_sink(Args&&... args);
  void run_source(size_t stream);
  void on_event(const pipeline::FrameEvent& event);
  void end_source(size_t stream, const pipeline::SourceInfo& info, const pipeline::SourceStats& stats);
  void report_stop(const pipeline::SourceInfo& info, const pipeline::SourceStats& stats) const;
  void after_first_frame(double compile_ms);

  Predictor predictor_;
  const std::vector<pipeline::SourceSpec> sources_;
  const PredictOptions options_;
  StartupClock& clock_;
  std::optional<sinks::TextOutput> text_;
  std::vector<std::unique_ptr<pipeline::ResultSink>> sinks_;
  FailureReport* failures_ = nullptr;
  WindowSink* window_ = nullptr;
  bool draws_ = false;           ///< a sink wants it
  int64_t pictures_wanted_ = 0;  ///< of all sources
  int64_t pictures_done_ = 0;    ///< of the sources that have ended
  bool first_frame_ = true;
};

}  // namespace zoo::apps
