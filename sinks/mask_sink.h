// Label maps as palette pictures (mask_png.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/result_sink.h"
#include "sinks/result_folders.h"

namespace zoo::sinks {

/// One PNG per segmented frame; other results leave nothing.
class MaskSink : public pipeline::ResultSink {
 public:
  /// `folders`: of a run that saves masks.
  explicit MaskSink(std::shared_ptr<ResultFolders> folders);

  void write(const pipeline::FrameEvent& event) override;
  std::vector<std::string> saved() override;

 private:
  std::shared_ptr<ResultFolders> folders_;
  int64_t written_ = 0;  ///< since the last saved()
};

}  // namespace zoo::sinks
