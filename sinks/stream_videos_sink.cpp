#include "sinks/stream_videos_sink.h"

#include <chrono>
#include <utility>
#include <variant>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace zoo::sinks {
namespace {

std::string stem_of(const std::string& stream) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{}_{:%Y%m%dT%H%M%SZ}", stream, fmt::gmtime(now));
}

}  // namespace

StreamVideosSink::StreamVideosSink(const std::filesystem::path& folder, std::shared_ptr<RunFiles> files,
                                   VideoOptions video)
    : files_(std::move(files)), folder_(std::make_shared<OutputFolder>(folder, files_)), video_(std::move(video)) {}

void StreamVideosSink::begin(size_t stream, const pipeline::SourceInfo& source) {
  if (source.kind == pipeline::SourceKind::kVideoFile) files_->add_source(source.name);
  pipeline::SourceInfo named = source;
  named.stem = stem_of(source.stream_name);
  writers_[stream] = make_frame_writer(folder_, named, fmt::format("{} {}", named.stem, stream), video_);
}

void StreamVideosSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item != nullptr) writers_.at(item->frame.stream)->write(item->frame);
}

void StreamVideosSink::end(size_t stream, const pipeline::SourceStats& stats) {
  const auto found = writers_.find(stream);
  if (found == writers_.end()) return;
  if (stats.whole) found->second->source_ended();
  complete(*found->second);
  writers_.erase(found);
}

void StreamVideosSink::finish() {
  for (const auto& [stream, writer] : std::exchange(writers_, {})) complete(*writer);
}

void StreamVideosSink::complete(FrameWriter& writer) {
  writer.finish();
  for (const auto& file : writer.files()) saved_.push_back(file.string());
}

std::vector<std::string> StreamVideosSink::saved() { return std::exchange(saved_, {}); }

}  // namespace zoo::sinks
