// What clients send, checked against what the model takes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <opencv2/core/mat.hpp>

#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// The input of the model that a request fills. Throws Error: no such input, another datatype, a shape that does not
/// fit, another number of values than it says, or one that is not finite.
const TensorInfo& checked_input(const ServedModelInfo& model, const NamedTensor& input);

/// The pictures of an input "images" or "pixels", one at a time: what files of a few kilobytes hold may be huge.
class PictureReader {
 public:
  /// `input`: as checked_input has found it right. Throws Error where a side is too long.
  explicit PictureReader(NamedTensor input);
  /// 8-bit BGR; nothing after the last. Of a file's bytes it lets go. Throws Error, ImageError.
  std::optional<cv::Mat> next();

 private:
  cv::Mat decode(std::string file) const;

  NamedTensor input_;
  size_t count_ = 0;
  size_t next_ = 0;
};

}  // namespace zoo::serve
