#include "apps/batch_session.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/signals.h"
#include "apps/written.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/images/image_io.h"
#include "pipeline/result_filter.h"
#include "pipeline/tasks/rle.h"
#include "streams/source_opener.h"

namespace zoo::apps {
namespace {

bool is_picture(const batch::ManifestRow& row) { return pipeline::has_image_extension(row.path); }

/// What an open video yields, collected until it is known whether it yields anything.
class VideoRow {
 public:
  VideoRow(const BatchJob& job, const batch::ManifestRow& row, batch::PartWriter& part)
      : job_(job), row_(row), part_(part) {}

  void take(pipeline::FrameEvent event) {
    if (auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) {
      item->frame.source = job_.place.name_of(row_);
      next_ = item->frame.index + 1;
      if (!std::exchange(any_, true)) part_.write(std::exchange(unwritten_, {}));
      part_.write(lines(event, item->frame.index));
      return;
    }
    auto& failure = std::get<pipeline::FrameFailure>(event);
    failure.source = job_.place.name_of(row_);
    failure.index = std::max(failure.index, next_);  // frames ascend, whatever a source that broke says
    next_ = failure.index + 1;
    failure.message = batch::with_row_name(std::move(failure.message), job_.place.file_of(row_), failure.source);
    last_ = failure;
    report(failure.message);
    if (any_) {
      part_.write(lines(event, failure.index));
    } else {
      unwritten_ += lines(event, failure.index);
    }
  }

  /// Whether there was a frame.
  bool any() const { return any_; }
  const std::optional<pipeline::FrameFailure>& last_failure() const { return last_; }

 private:
  std::string lines(const pipeline::FrameEvent& event, int64_t frame) const {
    return sinks::row_lines(event, {row_.row, frame, job_.place.listed_bytes_of(row_)}, job_.format, job_.columns);
  }

  const BatchJob& job_;
  const batch::ManifestRow& row_;
  batch::PartWriter& part_;
  bool any_ = false;
  int64_t next_ = 0;  ///< the least index that the next frame may have
  std::string unwritten_;
  std::optional<pipeline::FrameFailure> last_;
};

}  // namespace

streams::PipelineOptions BatchSession::pipeline_options() const {
  return {.predict_threads = job_.predict_threads, .stop = &stop_requested(), .stall_timeout = job_.read.stall_timeout};
}

streams::PipelineStages BatchSession::stages() const {
  streams::PipelineStages stages;
  stages.predict = predictor_;
  stages.prepare = [](pipeline::ProcessedFrame& item) { pipeline::add_mask_counts(item.result, item.mask_counts); };
  return stages;
}

void BatchSession::fail(const pipeline::FrameFailure& failure, int64_t row) {
  part_.fail_row(sinks::row_lines(failure, {row, 0}, sinks::RowFormat::kJsonLines, job_.columns));
}

void BatchSession::write_picture(pipeline::FrameEvent event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const int64_t row = item != nullptr ? item->frame.index : std::get<pipeline::FrameFailure>(event).index;
  const batch::ManifestRow& expected = job_.rows[static_cast<size_t>(part_.rows_done())];
  if (row != expected.row) throw Error(fmt::format("row {} was answered where row {} is next", row, expected.row));
  if (const auto* failure = std::get_if<pipeline::FrameFailure>(&event)) {
    report(failure->message);
    fail(*failure, row);
    return;
  }
  part_.write(sinks::row_lines(event, {row, 0, job_.place.listed_bytes_of(expected)}, job_.format, job_.columns));
  part_.end_row();
}

/// Yields where the pictures end that are worked on side by side: what may have ended a process is tried by itself.
size_t BatchSession::run_pictures(size_t begin) {
  const auto first = job_.rows.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto ends = [&](const batch::ManifestRow& row) { return !is_picture(row) || is_suspect(row); };
  const auto last = is_suspect(*first) ? first + 1 : std::find_if(first, job_.rows.end(), ends);
  streams::PipelineStages work = stages();
  Progress progress(std::ssize(job_.rows));
  work.sink = [&](const pipeline::FrameEvent& event) {
    write_picture(event);
    progress.update(part_.rows_done());
    return true;
  };
  streams::run_pipeline(
      std::make_shared<batch::RowSource>(job_.place, std::vector<batch::ManifestRow>(first, last), part_.begun()), work,
      pipeline_options());
  return static_cast<size_t>(last - job_.rows.begin());
}

void BatchSession::run_video(const batch::ManifestRow& row) {
  if (const auto changed = batch::changed_row(job_.place, row)) {
    report(changed->message);
    return fail(*changed, row.row);
  }
  part_.begun()->begin(row.row);
  VideoRow video(job_, row, part_);
  bool writing = false;
  const auto take = [&](const pipeline::FrameEvent& event) {
    writing = true;
    video.take(event);
    writing = false;
  };
  pipeline::SourceStats stats;
  try {
    pipeline::ReadOptions read = job_.read;
    read.stop = &stop_requested();
    const auto source =
        streams::open_source_within({pipeline::SourceKind::kVideoFile, job_.place.file_of(row).string(), {}}, read);
    if (!source) return;  // stopped while opening
    streams::PipelineStages work = stages();
    work.filter = pipeline::make_result_filter();
    work.sink = [&](const pipeline::FrameEvent& event) {
      take(event);
      return true;
    };
    stats = streams::run_pipeline(source, work, pipeline_options());
  } catch (const IoError& error) {
    if (writing) throw;  // the part, not the video
    if (stop_requested()) return part_.abandon_row();
    batch::check_storage(job_.place, row);
    take(pipeline::FrameFailure{
        .source = job_.place.name_of(row), .kind = pipeline::FailureKind::kLost, .message = error.what()});
    stats.whole = true;
  }
  if (!stats.whole) return part_.abandon_row();
  if (video.last_failure()) batch::check_storage(job_.place, row);
  if (video.any()) return part_.end_row();
  const std::string name = job_.place.name_of(row);
  fail(video.last_failure().value_or(pipeline::FrameFailure{
           .source = name, .kind = pipeline::FailureKind::kEmpty, .message = name + ": the video has no frames"}),
       row.row);
}

int stopped_exit_code() {
  const int signal = stop_signal();
  if (signal == 0) throw Error("the work ended before its last row, and nobody had stopped it; --resume goes on");
  return kExitSignalBase + (signal == SIGUSR1 ? SIGTERM : signal);
}

void report_lock_problem(const batch::PartWriter& part, const std::string& results) {
  if (part.lock_problem().empty()) return;
  report(fmt::format("{}: its file system has no locks ({}): see to it that no two tasks work on one shard", results,
                     part.lock_problem()));
}

void report_suspects(const batch::PartWriter& part, const std::string& results) {
  const int64_t suspects = part.begun() ? part.begun()->suspects() : 0;
  if (suspects == 0) return;
  report(fmt::format("{}: an earlier process ended in the middle of {}, tried one at a time now", results,
                     counted(suspects, "row")));
}

int BatchSession::run() {
  for (size_t next = static_cast<size_t>(part_.rows_done()); next < job_.rows.size() && !stop_requested();) {
    const batch::ManifestRow& row = job_.rows[next];
    if (part_.begun()->endings(row.row) >= batch::kMostEndings) {
      const pipeline::FrameFailure failure = batch::row_that_ends_processes(job_.place, row);
      report(failure.message);
      fail(failure, row.row);
      ++next;
    } else if (is_picture(row)) {
      next = run_pictures(next);
    } else {
      run_video(row);
      ++next;
    }
  }
  if (part_.rows_done() < std::ssize(job_.rows)) {
    part_.commit();
    report(fmt::format("stopped after {} of {}; --resume goes on there", part_.rows_done(),
                       counted(std::ssize(job_.rows), "row")));
    return stopped_exit_code();
  }
  part_.finish();
  return part_.rows_failed() == 0 ? kExitDone : kExitSomeUnread;
}

int run_job(const BatchSession::Predictor& predictor, const BatchJob& job, batch::PartNames names,
            const batch::JobKey& key, batch::WhenThere when_there, bool quiet) {
  const std::string results = names.results.string();
  batch::PartWriter part(std::move(names), key,
                         {.when_there = when_there, .head = sinks::row_head(job.format, job.columns)});
  report_lock_problem(part, results);
  const bool was_finished = part.is_finished();
  if (!was_finished && part.rows_done() > 0) {
    report(fmt::format("{}: going on after {} of {}", results, part.rows_done(), counted(std::ssize(job.rows), "row")));
  }
  report_suspects(part, results);
  const int exit_code = BatchSession(predictor, job, part).run();
  if (exit_code >= kExitSignalBase || quiet) return exit_code;
  const std::string what = fmt::format("{}, {} failed", counted(std::ssize(job.rows), "row"), part.rows_failed());
  if (was_finished) {
    tell_of_written(results, fmt::format("{} was finished before: {}\n", printable(results), what));
  } else {
    report_written(results, what);
  }
  return exit_code;
}

}  // namespace zoo::apps
