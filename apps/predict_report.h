// What `predict` says to a person.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/output.h"
#include "streams/video_pipeline.h"

namespace zoo::apps {

/// Follows what a video shows and tells a change from flicker: something new counts once it was there five frames in a
/// row; the very first frame counts at once.
class StableState {
 public:
  /// Whether `state` has just become the stable one.
  bool update(const std::string& state);

 private:
  std::optional<std::string> stable_;
  std::string candidate_;
  int run_ = 0;
};

/// Writes results as text: a table for one picture, a line per picture for several, a line per change (of the best
/// guess, of the objects' number by class, of the classes with a hundredth of the pixels) and a summary for a video.
class TextReport {
 public:
  /// `out` must outlive the report.
  explicit TextReport(TextOutput& out) : out_(out) {}

  void begin_images(const std::vector<std::filesystem::path>& files, bool alone);
  void begin_video(const std::string& name);
  void add(const pipeline::ProcessedFrame& item);
  /// After a video.
  void end_video(const streams::PipelineStats& stats);

 private:
  enum class Style { kTable, kLines, kVideo };

  TextOutput& out_;
  Style style_ = Style::kTable;
  std::string name_;
  size_t name_width_ = 0;
  StableState stable_;
};

/// "clip.mp4: 120 frames in 2.31 s (52.0 frames/s), 0 dropped, 0 failed".
std::string stats_text(const std::string& name, const streams::PipelineStats& stats);

/// `12 pictures in 0.05 s (240.0 pictures/s), 0 failed`.
std::string pictures_text(const streams::PipelineStats& stats);

/// "5 inputs could not be read: 1 empty, 4 missing".
std::string failures_text(const std::map<pipeline::FailureKind, int64_t>& failures);

}  // namespace zoo::apps
