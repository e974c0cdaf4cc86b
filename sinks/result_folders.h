// The folders that a run saves pictures, videos and label maps in.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "pipeline/video/frame.h"
#include "sinks/frame_writer.h"
#include "sinks/output_folder.h"
#include "sinks/source_outputs.h"

namespace zoo::sinks {

/// Which folders; empty: nothing of the kind is saved.
struct ResultFolderNames {
  std::filesystem::path annotated;  ///< pictures and videos with what was found drawn into them
  std::filesystem::path masks;      ///< label maps: STEM.png, of frame 12 of a video STEM_000012.png
};

/// Opens the folders and names everything that will lie there before the work, from the sources alone: see
/// SourceOutputs and OutputFolder. Where both are one folder, under whatever names, the label maps are called
/// STEM_mask.png. One thread at a time.
class ResultFolders {
 public:
  /// `files`: what else the run reads and writes, with its sources (add_sources). Throws IoError.
  ResultFolders(std::span<const pipeline::SourceSpec> sources, const ResultFolderNames& names,
                std::shared_ptr<RunFiles> files);

  bool saves_annotated() const { return annotated_ != nullptr; }
  bool saves_masks() const { return masks_ != nullptr; }

  /// For the frames of one source, opened; `source`: its number. Only with saves_annotated().
  std::unique_ptr<FrameWriter> new_writer(size_t source, const pipeline::SourceInfo& info,
                                          const VideoOptions& options = {}) const;
  /// Where to write the label map of a frame, which carries its source's number as `stream`. Only with saves_masks().
  /// Throws IoError.
  std::filesystem::path mask_file(const pipeline::Frame& frame) const;
  /// As the user wrote it. Only with saves_masks().
  const std::filesystem::path& masks_folder() const { return masks_->folder(); }

 private:
  SourceOutputs outputs_;
  std::shared_ptr<OutputFolder> annotated_;
  std::shared_ptr<OutputFolder> masks_;  ///< the same object where it is the same folder
  std::string mask_ending_ = ".png";
};

}  // namespace zoo::sinks
