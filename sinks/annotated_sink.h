// Annotated pictures and videos (frame_writer.h).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/result_sink.h"
#include "sinks/frame_writer.h"
#include "sinks/result_folders.h"
#include "sinks/video_options.h"

namespace zoo::sinks {

/// A picture file for each picture, a video file for each other source.
class AnnotatedSink : public pipeline::ResultSink {
 public:
  /// `folders`: of a run that saves annotated frames.
  explicit AnnotatedSink(std::shared_ptr<ResultFolders> folders, VideoOptions video = {});

  bool wants_drawing() const override { return true; }
  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void write(const pipeline::FrameEvent& event) override;
  void end(size_t stream, const pipeline::SourceStats& stats) override;
  std::vector<std::string> saved() override;

 private:
  std::shared_ptr<ResultFolders> folders_;
  VideoOptions video_;
  std::map<size_t, std::unique_ptr<FrameWriter>> writers_;  ///< by stream
  std::vector<std::string> saved_;
};

}  // namespace zoo::sinks
