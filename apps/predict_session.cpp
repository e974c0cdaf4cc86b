#include "apps/predict_session.h"

#include <chrono>
#include <filesystem>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/signals.h"
#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/images/mask_png.h"
#include "pipeline/tasks/rle.h"
#include "sinks/coco.h"
#include "sinks/json_lines.h"

namespace zoo::apps {
namespace {

/// GStreamer's very first start on a machine looks through all of its plug-ins, which takes seconds.
constexpr std::chrono::seconds kOpenTimeout{20};

void add_mask_counts(pipeline::ProcessedFrame& item) {
  const auto* segmentation = std::get_if<pipeline::Segmentation>(&item.result);
  if (segmentation != nullptr) item.mask_counts = pipeline::mask_counts(*segmentation);
}

}  // namespace

PredictSession::PredictSession(Predictor predictor, std::vector<pipeline::SourceSpec> sources,
                               std::shared_ptr<RunFiles> files, const PredictOptions& options, StartupClock& clock)
    : predictor_(std::move(predictor)),
      sources_(std::move(sources)),
      options_(options),
      folders_(sources_, {options.save_folder, options.masks_folder}, std::move(files)),
      clock_(clock) {
  if (options_.json) json_.emplace(*options_.json);
  if (options_.json != "-" && !options_.quiet) {
    text_.emplace();
    report_.emplace(*text_);
  }
  if (!options_.coco.empty()) coco_.emplace(options_.coco);
  if (options_.show) {
    const std::string problem = display_problem();
    if (problem.empty()) {
      window_.emplace("backbone-zoo");
    } else {
      report(fmt::format("--show: {}; going on without a window", problem));
    }
  }
}

int PredictSession::run() {
  catch_stop_signals();
  for (const pipeline::SourceSpec& source : sources_) pictures_wanted_ += std::ssize(source.images);
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (stop_requested() || window_closed_) break;
    run_source(i);
  }
  report_pictures();
  if (json_) json_->finish();
  if (coco_) coco_->finish();
  if (!failures_.empty()) report(failures_text(failures_));
  if (stop_signal() != 0) return kExitSignalBase + stop_signal();
  return failures_.empty() ? kExitDone : kExitSomeUnread;
}

void PredictSession::run_source(size_t number) {
  const pipeline::SourceSpec& spec = sources_[number];
  const bool alone = sources_.size() == 1;
  std::shared_ptr<pipeline::FrameSource> source;
  try {
    source = streams::open_source_within(spec, kOpenTimeout, stop_requested());
  } catch (const IoError& error) {
    if (alone) throw;
    on_unopened(spec, error);
    return;
  }
  if (!source) return;  // stopped while opening
  const pipeline::SourceInfo& info = source->info();
  spdlog::info("{}: {}, {}", info.name, info.live ? "live" : "not live",
               info.frames ? counted(*info.frames, "frame") : "an unknown number of frames");
  is_video_ = info.kind != pipeline::SourceKind::kImages;
  source_number_ = number;
  info_ = info;
  done_ = 0;
  masks_written_ = 0;
  if (report_ && is_video_) report_->begin_video(info.name);
  if (report_ && !is_video_) report_->begin_images(spec.images, alone);
  if (folders_.saves_annotated()) writer_ = folders_.new_writer(number, info);
  progress_ = std::make_unique<Progress>(info.frames);

  streams::PipelineStages stages;
  stages.predict = predictor_;
  if (coco_ || (json_ && !folders_.saves_masks())) stages.prepare = add_mask_counts;
  if (writer_ || window_) {
    stages.draw = [](pipeline::ProcessedFrame& item) { pipeline::draw_result(item.frame.image, item.result); };
  }
  stages.sink = [this](const pipeline::PipelineEvent& event) { return on_event(event); };
  const streams::PipelineOptions options{
      .predict_threads = options_.predict_threads, .max_frames = options_.max_frames, .stop = &stop_requested()};
  end_source(info, streams::run_pipeline(source, stages, options));
}

bool PredictSession::on_event(const pipeline::PipelineEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const std::string mask = item != nullptr ? write_mask(*item) : "";
  if (json_) json_->line(sinks::to_json_line(event, mask));
  if (item != nullptr) {
    on_frame(*item);
  } else {
    on_failure(std::get<pipeline::FrameFailure>(event));
  }
  progress_->update(++done_);
  return !window_closed_;
}

void PredictSession::on_frame(const pipeline::ProcessedFrame& item) {
  if (report_) {
    progress_->clear();
    report_->add(item);
  }
  if (first_frame_) after_first_frame(pipeline::times_of(item.result).compile_ms);
  ++images_;
  if (coco_) {
    for (const std::string& entry : sinks::coco_entries(item, images_)) coco_->add(entry);
  }
  if (writer_) writer_->write(item.frame);
  if (window_ && !window_closed_) {
    window_closed_ = !(is_video_ ? window_->show(item.frame.image) : window_->show_and_wait(item.frame.image));
  }
}

std::string PredictSession::write_mask(const pipeline::ProcessedFrame& item) {
  const auto* segmentation = std::get_if<pipeline::Segmentation>(&item.result);
  if (!folders_.saves_masks() || segmentation == nullptr) return {};
  const std::filesystem::path file = folders_.mask_file(source_number_, info_, item.frame);
  pipeline::write_mask_png(file, segmentation->labels);
  ++masks_written_;
  return file.string();
}

void PredictSession::on_unopened(const pipeline::SourceSpec& spec, const IoError& error) {
  const pipeline::FrameFailure failure{pipeline::name_of(spec), 0, pipeline::FailureKind::kLost, error.what()};
  if (json_) json_->line(sinks::to_json_line(failure));
  on_failure(failure);
}

void PredictSession::on_failure(const pipeline::FrameFailure& failure) {
  ++failures_[failure.kind];
  report(failure.message);
}

void PredictSession::end_source(const pipeline::SourceInfo& info, const streams::PipelineStats& stats) {
  progress_.reset();
  if (!is_video_) {
    pictures_.ok += stats.ok;
    pictures_.failed += stats.failed;
    pictures_.wall_s += stats.wall_s;
  }
  if (stop_signal() != 0) report_stop(info);
  if (report_ && is_video_) {
    report_->end_video(stats);
  } else if (is_video_ && stats.dropped > 0) {
    report(stats_text(info.name, stats));  // the JSON lines show drops only as gaps
  }
  if (text_ && masks_written_ > 0) {
    text_->line(fmt::format("saved {} in {}", counted(masks_written_, "mask"), printable(options_.masks_folder)));
  }
  if (!writer_) return;
  writer_->finish();
  for (const auto& file : writer_->files()) {
    if (text_) text_->line(fmt::format("saved {}", printable(file.string())));
  }
  writer_.reset();
}

// A live source has no end to fall short of.
void PredictSession::report_stop(const pipeline::SourceInfo& info) const {
  if (!is_video_) {
    report(
        fmt::format("stopped after {} of {}", pictures_.ok + pictures_.failed, counted(pictures_wanted_, "picture")));
  } else if (info.frames && !info.live) {
    report(fmt::format("{}: stopped after {} of {}", info.name, done_, counted(*info.frames, "frame")));
  }
}

void PredictSession::report_pictures() {
  if (text_ && pictures_.ok + pictures_.failed > 1) text_->line(pictures_text(pictures_));
}

void PredictSession::after_first_frame(double compile_ms) {
  first_frame_ = false;
  clock_.lap("first_frame");
  clock_.move("first_frame", "compile", compile_ms);
  if (!options_.timing) return;
  for (const auto& [name, ms] : clock_.parts()) write_error(fmt::format("{:<14} {:9.2f} ms\n", name, ms));
}

}  // namespace zoo::apps
