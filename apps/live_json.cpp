#include "apps/live_json.h"

#include <chrono>
#include <variant>

#include "nn/core/error.h"
#include "pipeline/tasks/rle.h"
#include "sinks/json_lines.h"

namespace zoo::apps {
namespace {

/// How long a line of another thread may take.
constexpr std::chrono::seconds kPatience{2};

}  // namespace

void LiveJson::prepare(pipeline::ProcessedFrame& item) const {
  pipeline::add_mask_counts(item.result, item.mask_counts);
}

void LiveJson::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t stream = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  auto name = names_.find(stream);
  if (name == names_.end()) name = names_.emplace(stream, name_of_(stream)).first;
  const std::scoped_lock lock(mutex_);
  attempt([&] { out_.line(sinks::to_json_line(event, "", name->second)); });
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
  const std::unique_lock lock(mutex_, kPatience);
  if (lock.owns_lock()) attempt([&] { out_.line(json); });
}

void LiveJson::close() {
  const std::unique_lock lock(mutex_, kPatience);
  if (!lock.owns_lock()) {
    failed_ = true;
    throw IoError("--json: the last line was not taken; what comes after it is lost");
  }
  attempt([&] { out_.finish(); });
}

}  // namespace zoo::apps
