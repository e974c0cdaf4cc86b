#include "apps/predict_session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/live_status.h"
#include "apps/output.h"
#include "apps/predict_report.h"
#include "apps/progress.h"
#include "apps/signals.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "nn/core/stopwatch.h"
#include "sinks/annotated_sink.h"
#include "sinks/coco_sink.h"
#include "sinks/csv_sink.h"
#include "sinks/json_lines_sink.h"
#include "sinks/mask_sink.h"
#include "streams/source_opener.h"
#include "streams/video_pipeline.h"

namespace zoo::apps {
PredictSession::PredictSession(Predictor predictor, std::vector<pipeline::SourceSpec> sources,
                               std::shared_ptr<RunFiles> files, const PredictOptions& options, StartupClock& clock)
    : predictor_(std::move(predictor)), sources_(std::move(sources)), options_(options), clock_(clock) {
  for (const pipeline::SourceSpec& source : sources_) pictures_wanted_ += std::ssize(source.images);
  add_sinks(std::move(files));
  draws_ = std::ranges::any_of(sinks_, [](const auto& sink) { return sink->wants_drawing(); });
}

template <typename Sink, typename... Args>
Sink* PredictSession::add_sink(Args&&... args) {
  auto sink = std::make_unique<Sink>(std::forward<Args>(args)...);
  Sink* added = sink.get();
  sinks_.push_back(std::move(sink));
  return added;
}

// In this order: a line of JSON names files that are there.
void PredictSession::add_sinks(std::shared_ptr<RunFiles> files) {
  const auto folders = std::make_shared<sinks::ResultFolders>(
      sources_, sinks::ResultFolderNames{options_.save_folder, options_.masks_folder}, std::move(files));
  if (folders->saves_masks()) add_sink<sinks::MaskSink>(folders);
  if (options_.json) add_sink<sinks::JsonLinesSink>(*options_.json, folders);
  if (options_.json != "-" && options_.csv != "-" && !options_.quiet) {
    text_.emplace();
    add_sink<TextReport>(*text_, sources_);
  }
  if (!options_.csv.empty()) add_sink<sinks::CsvSink>(options_.csv, options_.columns);
  if (!options_.coco.empty()) add_sink<sinks::CocoSink>(options_.coco);
  if (folders->saves_annotated()) {
    sinks::VideoOptions video = options_.video;
    video.stop = &stop_requested();
    add_sink<sinks::AnnotatedSink>(folders, std::move(video));
  }
  failures_ = add_sink<FailureReport>();
  if (!options_.show) return;
  const std::string problem = display_problem();
  if (problem.empty()) {
    window_ = add_sink<WindowSink>("backbone-zoo", pictures_wanted_);
  } else {
    report(fmt::format("--show: {}; going on without a window", problem));
  }
}

int PredictSession::run() {
  catch_stop_signals();
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (stop_requested() || (window_ != nullptr && window_->closed())) break;
    run_source(i);
  }
  for (const auto& sink : sinks_) sink->finish();
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  return failures_->any() ? kExitSomeUnread : kExitDone;
}

void PredictSession::run_source(size_t stream) {
  const pipeline::SourceSpec& spec = sources_[stream];
  std::shared_ptr<pipeline::FrameSource> source;
  pipeline::ReadOptions read = options_.read;
  read.stop = &stop_requested();
  try {
    source = streams::open_source_within(spec, read);
  } catch (const IoError& error) {
    if (sources_.size() == 1) throw;
    const pipeline::FrameFailure failure{
        pipeline::name_of(spec), 0, pipeline::FailureKind::kLost, error.what(), stream, pipeline::cause_of(error)};
    for (const auto& sink : sinks_) sink->write(failure);
    return;
  }
  if (!source) return;  // stopped while opening
  const pipeline::SourceInfo& info = source->info();
  spdlog::info("{}: {}, {}", info.name, info.live ? "live" : "not live",
               info.frames ? counted(*info.frames, "frame") : "an unknown number of frames");
  for (const auto& sink : sinks_) sink->begin(stream, info);

  streams::PipelineStages stages;
  stages.predict = predictor_;
  stages.prepare = [&](pipeline::ProcessedFrame& item) {
    for (const auto& sink : sinks_) sink->prepare(item);
  };
  if (info.kind != pipeline::SourceKind::kImages) stages.filter = pipeline::make_result_filter();
  if (draws_)
    stages.draw = [](pipeline::ProcessedFrame& item) { pipeline::draw_result(item.frame.image, item.result); };
  Progress progress(info.frames);
  LiveStatus live;
  const Stopwatch opened;
  int64_t done = 0;
  stages.sink = [&](const pipeline::FrameEvent& event) {
    if (text_) progress.clear();
    on_event(event);
    if (info.live) {
      live.add(event, opened.elapsed_ms() / 1000.0);
      progress.update([&] { return live.text(); });
    } else {
      progress.update(++done);
    }
    return window_ == nullptr || !window_->closed();
  };
  const streams::PipelineOptions options{.stream = stream,
                                         .predict_threads = options_.predict_threads,
                                         .max_frames = options_.max_frames,
                                         .stop = &stop_requested(),
                                         .stall_timeout = read.stall_timeout};
  const pipeline::SourceStats stats = streams::run_pipeline(source, stages, options);
  progress.clear();
  end_source(stream, info, stats);
}

void PredictSession::on_event(const pipeline::FrameEvent& event) {
  for (const auto& sink : sinks_) sink->write(event);
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item != nullptr && std::exchange(first_frame_, false)) {
    after_first_frame(pipeline::times_of(item->result).compile_ms);
  }
}

void PredictSession::end_source(size_t stream, const pipeline::SourceInfo& info, const pipeline::SourceStats& stats) {
  const bool is_video = info.kind != pipeline::SourceKind::kImages;
  if (!is_video) pictures_done_ += stats.ok + stats.failed;
  if (stop_signal() != 0) report_stop(info, stats);
  if (!text_ && is_video && stats.dropped > 0) {
    report(stats_text(info.name, stats));  // the JSON lines show drops only as gaps
  }
  for (const auto& sink : sinks_) sink->end(stream, stats);
  for (const auto& sink : sinks_) {
    for (const std::string& what : sink->saved()) {
      if (text_) text_->line(fmt::format("saved {}", printable(what)));
    }
  }
}

// A live source has no end to fall short of.
void PredictSession::report_stop(const pipeline::SourceInfo& info, const pipeline::SourceStats& stats) const {
  if (info.kind == pipeline::SourceKind::kImages) {
    report(fmt::format("stopped after {} of {}", pictures_done_, counted(pictures_wanted_, "picture")));
  } else if (info.frames && !info.live) {
    report(
        fmt::format("{}: stopped after {} of {}", info.name, stats.ok + stats.failed, counted(*info.frames, "frame")));
  }
}

void PredictSession::after_first_frame(double compile_ms) {
  clock_.lap("first_frame");
  clock_.move("first_frame", "compile", compile_ms);
  if (!options_.timing) return;
  for (const auto& [name, ms] : clock_.parts()) write_error(fmt::format("{:<14} {:9.2f} ms\n", name, ms));
}

}  // namespace zoo::apps
