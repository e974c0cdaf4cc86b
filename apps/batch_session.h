// The work of `predict` on the rows of a manifest: results into a part that can be resumed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "pipeline/batch/manifest.h"
#include "pipeline/batch/part_writer.h"
#include "pipeline/batch/row_source.h"
#include "pipeline/result_sink.h"
#include "sinks/row_lines.h"
#include "streams/video_pipeline.h"

namespace zoo::apps {

struct BatchJob {
  batch::RowPlace place;
  std::vector<batch::ManifestRow> rows;  ///< of the shard
  sinks::RowFormat format = sinks::RowFormat::kJsonLines;
  sinks::CsvColumns columns = Task::kClassification;
  int predict_threads = 1;     ///< streams::PipelineOptions
  pipeline::ReadOptions read;  ///< of videos; all but `stop`
};

/// Works on the rows that a part does not have yet, in their order: neighbouring pictures side by side, a video on its
/// own. A row is a picture or a whole video; one that yields nothing is a failure, with the reason.
class BatchSession {
 public:
  using Predictor = std::function<pipeline::TaskResult(const cv::Mat&)>;

  /// All must outlive it.
  BatchSession(const Predictor& predictor, const BatchJob& job, batch::PartWriter& part)
      : predictor_(predictor), job_(job), part_(part) {}

  /// Throws what the network or the part throws; what was done before is kept. Yields the program's exit code: 143
  /// also for SIGUSR1.
  int run();

 private:
  size_t run_pictures(size_t begin);
  bool is_suspect(const batch::ManifestRow& row) const { return part_.begun()->endings(row.row) > 0; }
  void run_video(const batch::ManifestRow& row);
  void write_picture(pipeline::FrameEvent event);
  void fail(const pipeline::FrameFailure& failure, int64_t row);
  streams::PipelineOptions pipeline_options() const;
  streams::PipelineStages stages() const;

  const Predictor& predictor_;
  const BatchJob& job_;
  batch::PartWriter& part_;
};

/// Of a job that was stopped: 128 + the signal, 143 for SIGUSR1. Throws Error where there was no signal.
int stopped_exit_code();

/// Says it where a second process at work on the part would be noticed late. `results`: the part's name.
void report_lock_problem(const batch::PartWriter& part, const std::string& results);

/// Says it where rows are tried one at a time, as one of them may have ended an earlier process.
void report_suspects(const batch::PartWriter& part, const std::string& results);

/// Says which rows of what are done and how, begins, and, unless `quiet`, says on standard output what came out.
int run_job(const BatchSession::Predictor& predictor, const BatchJob& job, batch::PartNames names,
            const batch::JobKey& key, batch::WhenThere when_there, bool quiet);

}  // namespace zoo::apps
