#include "sinks/stream_videos_sink.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

VideoOptions kept(VideoOptions video) {
  video.keeps_what_plays = true;
  video.keeps_older = true;
  return video;
}

std::string stem_now(const std::string& stream) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{}_{:%Y%m%dT%H%M%SZ}", stream, fmt::gmtime(now));
}

}  // namespace

StreamVideosSink::StreamVideosSink(const fs::path& folder, std::shared_ptr<RunFiles> files, VideoOptions video)
    : files_(std::move(files)),
      folder_(std::make_shared<OutputFolder>(folder, files_)),
      video_(kept(std::move(video))) {}

void StreamVideosSink::begin(size_t stream, const pipeline::SourceInfo& source) {
  if (source.kind == pipeline::SourceKind::kVideoFile) files_->add_source(source.name);
  pipeline::SourceInfo named = source;
  named.stem = stem_now(source.stream_name);
  recordings_[stream] = make_frame_writer(folder_, named, named.stem, video_);
}

void StreamVideosSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item == nullptr) return;
  attempt(item->frame.stream, [&](FrameWriter& writer) { writer.write(item->frame); });
}

void StreamVideosSink::end(size_t stream, const pipeline::SourceStats& stats) {
  attempt(stream, [&](FrameWriter& writer) {
    if (stats.whole) writer.source_ended();
    writer.finish();
  });
  const auto found = recordings_.find(stream);
  if (found == recordings_.end()) return;
  note_saved(*found->second);
  recordings_.erase(found);
}

void StreamVideosSink::finish() {
  while (!recordings_.empty()) end(recordings_.begin()->first, {});
}

template <typename Work>
void StreamVideosSink::attempt(size_t stream, Work work) {
  const auto found = recordings_.find(stream);
  if (found == recordings_.end()) return;
  try {
    work(*found->second);
  } catch (const IoError& error) {
    some_failed_ = true;
    note_saved(*found->second);
    const std::string what = saved_.empty() ? "" : fmt::format("; {} holds what came before", saved_.back());
    recordings_.erase(found);
    if (video_.on_note) {
      video_.on_note(fmt::format("{}; this recording ends here{}, the others go on", error.what(), what));
    }
  }
}

void StreamVideosSink::note_saved(const FrameWriter& writer) {
  for (const auto& file : writer.files()) saved_.push_back(file.string());
}

std::vector<std::string> StreamVideosSink::saved() { return std::exchange(saved_, {}); }

}  // namespace zoo::sinks
