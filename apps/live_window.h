// `live --show`: all streams in one window.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "apps/display.h"
#include "serve/view/newest_frames.h"
#include "streams/account.h"

namespace zoo::apps {

/// The newest frame of each stream with its result and name, side by side; a single stream as large as its frames. To
/// be used by the main thread only.
class LiveWindow {
 public:
  explicit LiveWindow(std::shared_ptr<const serve::NewestFrames> frames);

  enum class Wish { kNone, kReload, kEnd };
  /// Shows what has come since the last call, if anything. What the user wants: `r` loads the model again, q, Esc and
  /// closing the window end.
  Wish update(std::span<const streams::StreamSnapshot> streams);

 private:
  cv::Mat tile(const streams::StreamSnapshot& stream, cv::Size size) const;
  cv::Mat picture(std::span<const streams::StreamSnapshot> streams) const;

  const std::shared_ptr<const serve::NewestFrames> frames_;
  Window window_;
  uint64_t shown_ = 0;  ///< the numbers of what is shown, in sum
};

}  // namespace zoo::apps
