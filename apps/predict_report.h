// What `predict` says to a person.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/result_sink.h"
#include "sinks/text_output.h"

namespace zoo::apps {

/// Follows what a video shows and tells a change from flicker: something new counts once it was there five frames in a
/// row; the very first frame counts at once.
class StableState {
 public:
  static constexpr int kUsualFrames = 5;

  /// Whether `state` has just become the stable one. `frames`: in a row that make it one; 1 for what does not flicker.
  bool update(const std::string& state, int frames = kUsualFrames);

 private:
  std::optional<std::string> stable_;
  std::string candidate_;
  int run_ = 0;
};

/// Writes results as text: a table for one picture, a line per picture for several, a line per change (of the best
/// guess or, where there is one, of the steady name, of the objects' number by class, of the classes with a hundredth
/// of the pixels) and a summary for a video; how many pictures there were in all. One source after the other.
class TextReport : public pipeline::ResultSink {
 public:
  /// `out` and `sources` must outlive the report.
  TextReport(sinks::TextOutput& out, const std::vector<pipeline::SourceSpec>& sources) : out_(out), sources_(sources) {}

  void begin(size_t stream, const pipeline::SourceInfo& source) override;
  void write(const pipeline::FrameEvent& event) override;
  void end(size_t stream, const pipeline::SourceStats& stats) override;
  void finish() override;

 private:
  enum class Style { kTable, kLines, kVideo };

  sinks::TextOutput& out_;
  const std::vector<pipeline::SourceSpec>& sources_;
  Style style_ = Style::kTable;
  std::string name_;
  size_t name_width_ = 0;
  StableState stable_;
  pipeline::SourceStats pictures_;  ///< of all sources of pictures
};

/// "clip.mp4: 120 frames in 2.31 s (52.0 frames/s), 0 dropped, 0 failed".
std::string stats_text(const std::string& name, const pipeline::SourceStats& stats);

/// `12 pictures in 0.05 s (240.0 pictures/s), 0 failed`.
std::string pictures_text(const pipeline::SourceStats& stats);

}  // namespace zoo::apps
