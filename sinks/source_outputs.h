// What a run makes of its sources, as files: which it reads, and what outputs of each want to be called.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "nn/core/run_files.h"
#include "pipeline/video/frame_source.h"
#include "sinks/output_names.h"

namespace zoo::sinks {

/// Tells a run which files its sources are, those that a GStreamer pipeline names (`location=clip.mp4`) included.
void add_sources(std::span<const pipeline::SourceSpec> specs, RunFiles& run);

/// What the outputs of a run's sources want to be called. Files keep the path they have below what the user named: the
/// picture of a folder and a single file are called like themselves, a match of `data/*/rgb.png` like what is below
/// `data/`. Where that gives two files one place, all files keep their path below the folder that they share. Other
/// sources go by their stem, those of one name are numbered (camera0, camera0-2).
class SourceOutputs {
 public:
  explicit SourceOutputs(std::span<const pipeline::SourceSpec> specs);

  /// Of a picture, by its path as frames carry it.
  OutputWish of_picture(const std::string& source, const std::string& ending) const;
  /// Whether the spec of this number is no pictures.
  bool has_video(size_t spec) const { return videos_.contains(spec); }
  /// Of a video, camera or stream, by the number of its spec.
  OutputWish of_video(size_t spec, const std::string& ending, bool numbered) const;
  /// OutputWish::input of that.
  const std::string& video_input(size_t spec) const { return videos_.at(spec).input; }

 private:
  struct Video {
    std::string input;
    std::filesystem::path place;
  };
  std::map<std::string, std::filesystem::path> places_;  ///< of files, by path as the user wrote it
  std::map<size_t, Video> videos_;
};

}  // namespace zoo::sinks
