#include "sinks/annotated_sink.h"

#include <utility>
#include <variant>

namespace zoo::sinks {

AnnotatedSink::AnnotatedSink(std::shared_ptr<ResultFolders> folders, VideoOptions video)
    : folders_(std::move(folders)), video_(std::move(video)) {}

void AnnotatedSink::begin(size_t stream, const pipeline::SourceInfo& source) {
  writers_[stream] = folders_->new_writer(stream, source, video_);
}

void AnnotatedSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item != nullptr) writers_.at(item->frame.stream)->write(item->frame);
}

void AnnotatedSink::end(size_t stream, const pipeline::SourceStats& stats) {
  const std::unique_ptr<FrameWriter> writer = std::move(writers_.at(stream));
  writers_.erase(stream);
  if (stats.whole) writer->source_ended();
  writer->finish();
  for (const auto& file : writer->files()) saved_.push_back(file.string());
}

std::vector<std::string> AnnotatedSink::saved() { return std::exchange(saved_, {}); }

}  // namespace zoo::sinks
