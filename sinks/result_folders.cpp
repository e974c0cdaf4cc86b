#include "sinks/result_folders.h"

#include <utility>
#include <vector>

namespace zoo::sinks {

ResultFolders::ResultFolders(std::span<const pipeline::SourceSpec> sources, const ResultFolderNames& names,
                             std::shared_ptr<RunFiles> files)
    : outputs_(names.annotated.empty() && names.masks.empty() ? std::span<const pipeline::SourceSpec>() : sources) {
  if (names.annotated.empty() && names.masks.empty()) return;
  OutputFolders folders(std::move(files));
  if (!names.annotated.empty()) annotated_ = folders.open(names.annotated);
  if (!names.masks.empty()) masks_ = folders.open(names.masks);
  if (masks_ == annotated_) mask_ending_ = "_mask.png";
  std::vector<OutputWish> annotated;
  std::vector<OutputWish> masks;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const auto& picture : sources[i].images) {
      annotated.push_back(outputs_.of_picture(picture.string(), picture_ending(picture)));
      masks.push_back(outputs_.of_picture(picture.string(), mask_ending_));
    }
    if (sources[i].kind == pipeline::SourceKind::kImages) continue;
    annotated.push_back(outputs_.of_video(i, ".mp4", false));
    masks.push_back(outputs_.of_video(i, mask_ending_, true));
  }
  if (masks_ == annotated_) annotated.insert(annotated.end(), masks.begin(), masks.end());
  if (annotated_) annotated_->plan(annotated);
  if (masks_ && masks_ != annotated_) masks_->plan(masks);
}

std::unique_ptr<FrameWriter> ResultFolders::new_writer(size_t source, const pipeline::SourceInfo& info,
                                                       const VideoOptions& options) const {
  return make_frame_writer(annotated_, info,
                           info.kind == pipeline::SourceKind::kImages ? "" : outputs_.video_input(source), options);
}

std::filesystem::path ResultFolders::mask_file(const pipeline::Frame& frame) const {
  if (outputs_.has_video(frame.stream))
    return masks_->file(outputs_.of_video(frame.stream, mask_ending_, true), frame.index);
  return masks_->file(outputs_.of_picture(frame.source, mask_ending_));
}

}  // namespace zoo::sinks
