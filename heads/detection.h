// What a detection head knows about its own outputs: where the anchors lie, how offsets become boxes, how logits become
// scores, and what is kept. Plain C++; the graph ends at the raw maps. decode_detections() does the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nn/graph/op.h"

namespace zoo::heads {

/// Corners in pixels of the network's input (or, after mapping back, of the source picture): pixel i covers [i, i + 1].
struct Box {
  float x0 = 0.0F;
  float y0 = 0.0F;
  float x1 = 0.0F;
  float y1 = 0.0F;
  friend bool operator==(const Box&, const Box&) = default;
};

/// One found object.
struct Detection {
  Box box;
  float score = 0.0F;
  /// Column of the class scores; where the head has a background class, that is column 0 and never found.
  int64_t label = 0;
};

/// How class logits become scores.
enum class ScoreFunction {
  kSigmoid,  ///< every class by itself (RetinaNet, NetsPresso Trainer)
  kSoftmax,  ///< over the classes, the first of which is the background (SSD)
};

/// Which candidates reach the suppression.
enum class CandidateSelection {
  kPerLevel,  ///< the best `topk_candidates` (anchor, class) pairs of every level (RetinaNet, NetsPresso Trainer)
  kPerClass,  ///< the best `topk_candidates` anchors of every class over all levels (SSD)
};

/// Divisors of the four offsets (torchvision's BoxCoder `weights`).
struct BoxCoding {
  double x = 1.0;
  double y = 1.0;
  double w = 1.0;
  double h = 1.0;
};

/// `model.postprocessor.params`.
struct Postprocess {
  int64_t topk_candidates = 1000;
  double score_thresh = 0.05;
  double nms_thresh = 0.45;
  bool class_agnostic = false;
  int64_t max_detections = 0;  ///< best of one picture; 0: all
};

/// Boxes of all levels for these maps ([H, W] of every level) and this input size, in the order of the rows: level,
/// row, column, anchor.
using AnchorFunction = std::function<std::vector<Box>(std::span<const graph::Size2d> maps, graph::Size2d input)>;

/// How the raw maps of a detection head become detections. One entry per level in `class_outputs` and `box_outputs`:
/// names of graph outputs [N, anchors * classes, H, W] and [N, anchors * 4, H, W], the channels anchor-major (all
/// classes of the first anchor, then of the second, ...). Immutable after construction.
struct DetectionDecoding {
  int64_t classes = 0;  ///< columns of the class scores, background included
  std::vector<std::string> class_outputs;
  std::vector<std::string> box_outputs;
  /// Whether the head's library lists the rows of all levels together, or level by level; decides what `run` writes.
  bool joins_levels = false;
  /// Anchors per position of every level.
  std::vector<int64_t> anchors_per_position;
  /// Empty: the raw maps are all that the head yields, and how they become boxes is not known here.
  AnchorFunction anchors;
  ScoreFunction score = ScoreFunction::kSigmoid;
  CandidateSelection selection = CandidateSelection::kPerLevel;
  BoxCoding coding;
  Postprocess postprocess;
};

/// The names under which this library's heads hand out the raw maps of a level: `cls_logits.K`, `bbox_regression.K`.
std::string class_output_name(size_t level);
std::string box_output_name(size_t level);

/// One level's raw maps of one picture, row-major [channels, H, W].
struct LevelMaps {
  std::span<const float> class_logits;
  std::span<const float> box_regression;
  graph::Size2d size;
};

/// Reorders a raw map [anchors * columns, H, W] to rows [H * W * anchors, columns], the order in which the trainers
/// list `cls_logits` and `bbox_regression`.
void rows_from_map(std::span<const float> map, graph::Size2d size, int64_t columns, std::span<float> rows);

/// Detections of one picture in pixels of the network's input (clipped to it), best first; equal scores in the order of
/// the rows. `anchors`: what `decoding.anchors` yields for these maps and this input, the same for every picture.
/// Throws Error when maps or anchors do not fit the decoding, EngineError when a map holds what is no number.
std::vector<Detection> decode_detections(const DetectionDecoding& decoding, std::span<const Box> anchors,
                                         std::span<const LevelMaps> levels, graph::Size2d input);

}  // namespace zoo::heads
