// Frames whose size changes, in a video whose size does not.
#pragma once

#include <opencv2/core/mat.hpp>

namespace zoo::sinks {

/// The picture as large as it can be in `size`, in the middle, with its own proportions, black around it. One that has
/// the size is returned as it is. `image`: 8-bit BGR, not empty.
cv::Mat fit_image(const cv::Mat& image, cv::Size size);

}  // namespace zoo::sinks
