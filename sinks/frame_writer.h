// Where annotated frames go: picture files or a video file in one folder.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "nn/core/error.h"
#include "pipeline/video/frame_source.h"
#include "sinks/output_folder.h"
#include "sinks/video_options.h"

namespace zoo::sinks {

/// Writes frames below one folder. One thread at a time. Every file is whole or not there, and replaces an older one of
/// its name only when it is whole (NewFile).
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;

  /// `frame.image`: 8-bit BGR. Throws IoError: full disk, no permission, a codec that refuses, what OutputFolder
  /// refuses. A file that could not be written on is removed.
  virtual void write(const pipeline::Frame& frame) = 0;
  /// All frames of the source have been written: the last of a video is shown, and its sound heard, as long as there.
  virtual void source_ended() {}
  /// Completes the files. Throws IoError when something was lost; that file is then removed. Without it the destructor
  /// does the same, but says nothing.
  virtual void finish() = 0;
  /// What was written so far; a video once finish() has completed it.
  virtual const std::vector<std::filesystem::path>& files() const = 0;
};

/// What a picture of this file is written as: its own extension, or ".png" where it is none that is written
/// (can_encode).
std::string picture_ending(const std::filesystem::path& picture);

/// Pictures for a source of pictures: the same name and format (picture_ending; also PNG where the format does not take
/// the picture).
///
/// Videos for all other sources: STEM.mp4, in which each frame has its time (Frame::time_s), the first frame's being 0
/// or what it is after the beginning of the source file, and the sound of a source file where MP4 takes it, as far as
/// the frames go or, after source_ended(), all of it. Frames of another size than the first are shown in it with black
/// bars. Until the end it is a file in fragments, which plays if the process is killed; then one without, unless it is
/// larger than 1 GiB. A source of which no frame comes leaves no file.
///
/// Names are the folder's affair (OutputFolder::plan). `video`: how the folder knows a video, where it was planned: a
/// file by its path.
std::unique_ptr<FrameWriter> make_frame_writer(std::shared_ptr<OutputFolder> folder, const pipeline::SourceInfo& source,
                                               const std::string& video = "", const VideoOptions& options = {});

}  // namespace zoo::sinks
