// The flags that say how videos are saved.
#pragma once

#include <CLI/CLI.hpp>

#include "sinks/video_options.h"

namespace zoo::apps {

/// `--codec`, `--fps`.
class VideoFlags {
 public:
  /// `save`: the flag that they belong to.
  void add_to(CLI::App& app, const CLI::Option* save);
  /// Throws UsageError where one is given without `--save`.
  void check() const;

  sinks::VideoOptions options;  ///< all but `stop` and `on_note`

 private:
  const CLI::Option* save_ = nullptr;
  const CLI::Option* codec_ = nullptr;
  const CLI::Option* fps_ = nullptr;
};

}  // namespace zoo::apps
