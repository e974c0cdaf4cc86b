// What `predict` says to a person.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apps/output.h"
#include "pipeline/video_pipeline.h"

namespace zoo::apps {

/// Follows the best guess of a video and tells a change from flicker: a new class counts once it was the best guess of
/// five frames in a row; the very first frame counts at once.
class StableClass {
 public:
  /// Whether `index` has just become the stable class.
  bool update(int64_t index);

 private:
  int64_t stable_ = -1;
  int64_t candidate_ = -1;
  int run_ = 0;
};

/// Writes results as text: a table for one picture, a line per picture for several, a line per change of the best guess
/// and a summary for a video.
class TextReport {
 public:
  /// `out` must outlive the report.
  explicit TextReport(TextOutput& out) : out_(out) {}

  void begin_images(const std::vector<std::filesystem::path>& files, bool alone);
  void begin_video(const std::string& name);
  void add(const pipeline::ProcessedFrame& item);
  /// After a video.
  void end_video(const pipeline::PipelineStats& stats);

 private:
  enum class Style { kTable, kLines, kVideo };

  void add_table(const pipeline::ProcessedFrame& item);

  TextOutput& out_;
  Style style_ = Style::kTable;
  std::string name_;
  size_t name_width_ = 0;
  StableClass stable_;
};

/// "clip.mp4: 120 frames in 2.31 s (52.0 frames/s), 0 dropped, 0 failed".
std::string stats_text(const std::string& name, const pipeline::PipelineStats& stats);

/// "5 inputs could not be read: 1 empty, 4 missing".
std::string failures_text(const std::map<pipeline::FailureKind, int64_t>& failures);

}  // namespace zoo::apps
