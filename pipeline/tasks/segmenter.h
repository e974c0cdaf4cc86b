// Pictures to one class per pixel: preprocessing, network, argmax at the picture's size in one object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "models/model.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::pipeline {

/// A class that occurs in a picture.
struct ClassShare {
  int64_t index = 0;
  std::string label;   ///< from the model file; "class 12" where it names none
  double share = 0.0;  ///< of the picture's pixels
};

/// The classes of one picture's pixels.
struct Segmentation {
  /// 8 bit, one channel, the picture's size: the class, or heads::kVoidLabel (255) where a crop cut the picture off.
  cv::Mat labels;
  /// What occurs, largest share first (equal shares: lower class first). Void has none, so the sum may be below 1.
  std::vector<ClassShare> classes;
  StageTimes times;
};

struct SegmenterOptions {
  NetworkOptions network = {};
};

/// Counts a label map's classes, see Segmentation::classes.
std::vector<ClassShare> class_shares(const cv::Mat& labels, const std::vector<std::string>& names);

/// Segments one picture after the other; one thread at a time, see NetworkRunner. The scores are interpolated straight
/// from the network's map to the picture's pixels.
class Segmenter {
 public:
  /// Throws Error when the model is no segmentation or has more than 255 classes, GraphError and EngineError as
  /// Model::compile.
  explicit Segmenter(std::shared_ptr<const models::Model> model, const SegmenterOptions& options = {});
  explicit Segmenter(models::Model model, const SegmenterOptions& options = {});

  /// `frame` and errors: as NetworkRunner::run.
  Segmentation segment(const cv::Mat& frame);

  const models::Model& model() const { return network_.model(); }

 private:
  NetworkRunner network_;
};

}  // namespace zoo::pipeline
