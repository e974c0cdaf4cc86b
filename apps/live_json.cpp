#include "apps/live_json.h"

#include <variant>

#include "sinks/coco.h"
#include "sinks/json_lines.h"

namespace zoo::apps {

void LiveJson::begin(size_t stream, const pipeline::SourceInfo& source) { names_[stream] = source.stream_name; }

void LiveJson::prepare(pipeline::ProcessedFrame& item) const { sinks::add_mask_counts(item); }

void LiveJson::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t stream = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  write_line(sinks::to_json_line(event, "", names_[stream]));
}

void LiveJson::write_line(std::string_view json) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  try {
    out_.line(json);
  } catch (const sinks::ClosedPipe&) {
    closed_ = true;
  }
}

void LiveJson::close() {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  try {
    out_.finish();
  } catch (const sinks::ClosedPipe&) {
    closed_ = true;
  }
}

}  // namespace zoo::apps
