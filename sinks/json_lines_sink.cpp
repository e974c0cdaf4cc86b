#include "sinks/json_lines_sink.h"

#include <utility>
#include <variant>

#include "pipeline/tasks/rle.h"
#include "sinks/json_lines.h"

namespace zoo::sinks {

JsonLinesSink::JsonLinesSink(const std::string& path, std::shared_ptr<ResultFolders> folders)
    : out_(path), folders_(std::move(folders)) {}

void JsonLinesSink::prepare(pipeline::ProcessedFrame& item) const {
  if (!folders_ || !folders_->saves_masks()) pipeline::add_mask_counts(item.result, item.mask_counts);
}

void JsonLinesSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const bool has_mask = item != nullptr && folders_ && folders_->saves_masks() &&
                        std::holds_alternative<pipeline::Segmentation>(item->result);
  out_.line(to_json_line(event, has_mask ? folders_->mask_file(item->frame).string() : ""));
}

void JsonLinesSink::finish() { out_.finish(); }

}  // namespace zoo::sinks
