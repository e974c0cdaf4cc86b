#include "apps/live_json.h"

#include <variant>

#include "sinks/coco.h"
#include "sinks/json_lines.h"

namespace zoo::apps {

void LiveJson::prepare(pipeline::ProcessedFrame& item) const { sinks::add_mask_counts(item); }

void LiveJson::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t stream = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  auto name = names_.find(stream);
  if (name == names_.end()) name = names_.emplace(stream, name_of_(stream)).first;
  write_line(sinks::to_json_line(event, "", name->second));
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
