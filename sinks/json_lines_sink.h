// Results as JSON lines (json_lines.h).
#pragma once

#include <memory>
#include <string>

#include "pipeline/result_sink.h"
#include "sinks/result_folders.h"
#include "sinks/text_output.h"

namespace zoo::sinks {

/// One line per frame and failure, each written at once. A frame whose label map is saved names the file instead of
/// carrying run lengths.
class JsonLinesSink : public pipeline::ResultSink {
 public:
  /// `path`: "-" for standard output. `folders`: may be null. Opens the file. Throws IoError.
  explicit JsonLinesSink(const std::string& path, std::shared_ptr<ResultFolders> folders = nullptr);

  void prepare(pipeline::ProcessedFrame& item) const override;
  void write(const pipeline::FrameEvent& event) override;
  void finish() override;

 private:
  TextOutput out_;
  std::shared_ptr<ResultFolders> folders_;
};

}  // namespace zoo::sinks
