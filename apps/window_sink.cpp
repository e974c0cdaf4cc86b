#include "apps/window_sink.h"

#include <variant>

namespace zoo::apps {

void WindowSink::begin(size_t stream, const pipeline::SourceInfo& source) { kinds_[stream] = source.kind; }

void WindowSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item == nullptr || closed_) return;
  const bool is_picture = kinds_.at(item->frame.stream) == pipeline::SourceKind::kImages;
  closed_ = !(is_picture ? window_.show_and_wait(item->frame.image) : window_.show(item->frame.image));
}

}  // namespace zoo::apps
