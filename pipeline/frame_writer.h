// Where annotated frames go: picture files or a video file in one folder.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "nn/core/error.h"
#include "pipeline/frame_source.h"

namespace zoo::pipeline {

/// Writes frames below one folder. One thread at a time.
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;

  /// `frame.image`: 8-bit BGR. Throws IoError: full disk, no permission, a codec that refuses.
  virtual void write(const Frame& frame) = 0;
  /// Completes the files and checks them. Throws IoError when something was lost. Without it the destructor still
  /// closes the files, but checks nothing.
  virtual void finish() = 0;
  /// What was written so far.
  virtual const std::vector<std::filesystem::path>& files() const = 0;
};

/// Names of output files that are not taken yet: a second "cat.jpg" becomes "cat_2.jpg". Shared by the writers of one
/// program run; files of earlier runs are overwritten.
class OutputNames {
 public:
  /// Creates the folder. Throws IoError when that fails.
  explicit OutputNames(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path claim(const std::string& stem, const std::string& extension);

 private:
  std::filesystem::path folder_;
  std::set<std::filesystem::path> taken_;
};

/// Pictures for a source of pictures: the same name and format (PNG where OpenCV cannot write the format). Refuses to
/// write into the folder a picture came from. Videos for all other sources: STEM.mp4 (MPEG-4 part 2) with the source's
/// rate, or STEM.avi (motion JPEG) where the codec is missing; frames of another size than the first are scaled to it;
/// an odd last row or column is cut off, as the codecs need even sizes. `names` must outlive the writer.
std::unique_ptr<FrameWriter> make_frame_writer(OutputNames& names, const SourceInfo& source);

}  // namespace zoo::pipeline
