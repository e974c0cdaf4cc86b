// Where annotated frames go: picture files or a video file in one folder.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "nn/core/error.h"
#include "pipeline/video/frame_source.h"
#include "sinks/output_folder.h"

namespace zoo::sinks {

/// Writes frames below one folder. One thread at a time. Every file is whole or not there, and replaces an older one of
/// its name only when it is whole (NewFile).
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;

  /// `frame.image`: 8-bit BGR. Throws IoError: full disk, no permission, a codec that refuses, what OutputFolder
  /// refuses.
  virtual void write(const pipeline::Frame& frame) = 0;
  /// Completes the files and checks them. Throws IoError when something was lost; that file is then removed. Without it
  /// the destructor does the same, but says nothing.
  virtual void finish() = 0;
  /// What was written so far; a video once finish() has completed it.
  virtual const std::vector<std::filesystem::path>& files() const = 0;
};

/// What a picture of this file is written as: its own extension, or ".png" where it is none that is written (can_encode).
std::string picture_ending(const std::filesystem::path& picture);

/// Pictures for a source of pictures: the same name and format (picture_ending; also PNG where the format does not take
/// the picture). Videos for all other sources: STEM.mp4 (MPEG-4 part 2) with the source's rate, or STEM.avi (motion
/// JPEG) where the codec is missing; frames of another size than the first are scaled to it; an odd last row or column
/// is cut off, as the codecs need even sizes. A source of which no frame comes leaves no file.
///
/// Names are the folder's affair (OutputFolder::plan). `video`: how the folder knows a video, where it was planned.
std::unique_ptr<FrameWriter> make_frame_writer(std::shared_ptr<OutputFolder> folder, const pipeline::SourceInfo& source,
                                               const std::string& video = "");

}  // namespace zoo::sinks
