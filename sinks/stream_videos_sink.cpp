#include "sinks/stream_videos_sink.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <variant>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::sinks {
namespace fs = std::filesystem;
namespace {

constexpr const char* kExtension = ".mp4";

VideoOptions kept(VideoOptions video) {
  video.keeps_what_plays = true;
  return video;
}

/// Makes an empty file; false if there is one of that name.
bool make_file(const fs::path& file) {
  constexpr int kMode = 0666;
  const int descriptor = open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor >= 0 || errno != EEXIST;  // whoever writes the video says what else is wrong
}

}  // namespace

StreamVideosSink::StreamVideosSink(const fs::path& folder, std::shared_ptr<RunFiles> files, VideoOptions video)
    : files_(std::move(files)),
      folder_(std::make_shared<OutputFolder>(folder, files_)),
      video_(kept(std::move(video))) {}

std::string StreamVideosSink::reserve(const std::string& stream, fs::path& reserved) const {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const std::string wanted = fmt::format("{}_{:%Y%m%dT%H%M%SZ}", stream, fmt::gmtime(now));
  std::string stem = wanted;
  // Another process may record a stream of that name into the same folder.
  for (int number = 2; !make_file(reserved = folder_->folder() / (stem + kExtension)); ++number) {
    stem = fmt::format("{}-{}", wanted, number);
  }
  return stem;
}

void StreamVideosSink::begin(size_t stream, const pipeline::SourceInfo& source) {
  if (source.kind == pipeline::SourceKind::kVideoFile) files_->add_source(source.name);
  pipeline::SourceInfo named = source;
  Recording recording;
  named.stem = reserve(source.stream_name, recording.reserved);
  recording.writer = make_frame_writer(folder_, named, named.stem, video_);
  recordings_[stream] = std::move(recording);
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
  close(found->second);
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
    work(*found->second.writer);
  } catch (const IoError& error) {
    some_failed_ = true;
    close(found->second);
    const std::string what = saved_.empty() ? "" : fmt::format("; {} holds what came before", saved_.back());
    recordings_.erase(found);
    if (video_.on_note) {
      video_.on_note(fmt::format("{}; this recording ends here{}, the others go on", error.what(), what));
    }
  }
}

void StreamVideosSink::close(Recording& recording) {
  for (const auto& file : recording.writer->files()) saved_.push_back(file.string());
  if (!recording.writer->files().empty()) return;
  std::error_code ignored;
  fs::remove(recording.reserved, ignored);
}

std::vector<std::string> StreamVideosSink::saved() { return std::exchange(saved_, {}); }

}  // namespace zoo::sinks
