// Frames of streams as JPEG for those who look at them elsewhere: one in a while of each.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "pipeline/result_sink.h"

namespace zoo::sinks {

struct FramePictureOptions {
  std::chrono::milliseconds every{1000};  ///< of each stream at most one in this time; 0: all
  bool annotated = true;                  ///< with boxes, labels and masks
};

/// One thread at a time.
class FramePictures {
 public:
  explicit FramePictures(const FramePictureOptions& options) : options_(options) {}

  /// The frame as JPEG, if it is time for one of its stream and it can be encoded. The frame itself is left as it is.
  std::optional<std::string> picture_of(const pipeline::ProcessedFrame& item);

 private:
  FramePictureOptions options_;
  std::map<size_t, std::chrono::steady_clock::time_point> last_;  ///< by stream, when it was captured
};

}  // namespace zoo::sinks
