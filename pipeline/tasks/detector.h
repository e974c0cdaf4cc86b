// Pictures to boxes: preprocessing, network, decoding and the way back to the picture in one object.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "heads/detection.h"
#include "models/detections.h"
#include "models/model.h"
#include "pipeline/tasks/network_runner.h"

namespace zoo::pipeline {

/// One found object.
struct FoundObject {
  int64_t index = 0;  ///< class
  std::string label;  ///< from the model file; "class 12" where it names none
  double score = 0.0;
  heads::Box box;  ///< in pixels of the source picture, inside it; pixel i covers [i, i + 1]
};

/// The objects of one picture, best first.
struct FoundObjects {
  std::vector<FoundObject> boxes;
  StageTimes times;
};

struct DetectorOptions {
  /// Instead of the model file's `postprocessor.params.score_thresh`; 0 to 1.
  std::optional<double> score_thresh = std::nullopt;
  NetworkOptions network = {};
};

/// Finds objects in one picture after the other; one thread at a time, see NetworkRunner.
class Detector {
 public:
  /// Throws Error when the model is no detector, its head has no anchors or an option is out of range, GraphError and
  /// EngineError as Model::compile.
  explicit Detector(const std::shared_ptr<const models::Model>& model, const DetectorOptions& options = {});
  explicit Detector(models::Model model, const DetectorOptions& options = {});

  /// `frame` and errors: as NetworkRunner::run. Boxes that lie beside the picture, in what a letterbox or a crop adds,
  /// are left out.
  FoundObjects detect(const cv::Mat& frame);

  const models::Model& model() const { return network_.model(); }

 private:
  const models::DetectionReader& reader_for(const std::shared_ptr<const engine::Executable>& executable);

  heads::DetectionDecoding decoding_;  ///< first: a model that has none is not worth compiling
  NetworkRunner network_;
  std::list<models::DetectionReader> readers_;  ///< one per executable that the network keeps, last used first
};

}  // namespace zoo::pipeline
