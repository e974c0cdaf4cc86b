#include "apps/live_json.h"

#include <variant>

#include "pipeline/tasks/rle.h"
#include "sinks/json_lines.h"

namespace zoo::apps {

void LiveJson::prepare(pipeline::ProcessedFrame& item) const {
  pipeline::add_mask_counts(item.result, item.mask_counts);
}

void LiveJson::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t stream = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  auto name = names_.find(stream);
  if (name == names_.end()) name = names_.emplace(stream, name_of_(stream)).first;
  write_line(sinks::to_json_line(event, "", name->second));
}

template <typename Work>
void LiveJson::attempt(Work work) {
  if (closed_ || failed_) return;
  try {
    work();
  } catch (const sinks::ClosedPipe&) {
    closed_ = true;
  } catch (...) {
    failed_ = true;
    throw;
  }
}

void LiveJson::write_line(std::string_view json) {
  const std::scoped_lock lock(mutex_);
  attempt([&] { out_.line(json); });
}

void LiveJson::close() {
  const std::scoped_lock lock(mutex_);
  attempt([&] { out_.finish(); });
}

}  // namespace zoo::apps
