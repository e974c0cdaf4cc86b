// How large a window is.
#pragma once

#include <opencv2/core/types.hpp>

namespace zoo::apps {

/// For a picture: its own size; what does not fit the screen (0x0: unknown) is made smaller, what is too small to be
/// seen well larger by a whole number, in proportion.
cv::Size window_size(const cv::Size& image, const cv::Size& screen);

}  // namespace zoo::apps
