#include "sinks/mask_sink.h"

#include <utility>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "pipeline/images/mask_png.h"

namespace zoo::sinks {

MaskSink::MaskSink(std::shared_ptr<ResultFolders> folders) : folders_(std::move(folders)) {}

void MaskSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const auto* segmentation = item == nullptr ? nullptr : std::get_if<pipeline::Segmentation>(&item->result);
  if (segmentation == nullptr) return;
  pipeline::write_mask_png(folders_->mask_file(item->frame), segmentation->labels);
  ++written_;
}

std::vector<std::string> MaskSink::saved() {
  if (written_ == 0) return {};
  return {fmt::format("{} in {}", counted(std::exchange(written_, 0), "mask"), folders_->masks_folder().string())};
}

}  // namespace zoo::sinks
