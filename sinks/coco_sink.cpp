#include "sinks/coco_sink.h"

#include <variant>

#include "pipeline/tasks/rle.h"
#include "sinks/coco.h"

namespace zoo::sinks {

void CocoSink::prepare(pipeline::ProcessedFrame& item) const {
  pipeline::add_mask_counts(item.result, item.mask_counts);
}

void CocoSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  if (item == nullptr) return;
  ++frames_;
  for (const std::string& entry : coco_entries(*item, frames_)) array_.add(entry);
}

}  // namespace zoo::sinks
