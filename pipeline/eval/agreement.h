// How far two runs of one model, say in int8 and in f32, say the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/eval/coco_metric.h"

namespace zoo::eval {

/// Counts of what was compared: pictures of a classifier, boxes of a detector, pixels of a segmenter.
struct Agreement {
  int64_t same = 0;
  int64_t total = 0;

  void add(const Agreement& other);
  /// Nothing where there was nothing to compare.
  std::optional<double> share() const;
};

/// Boxes that score less are no finding of anybody: where one of two runs misses them, nothing is lost.
inline constexpr double kAgreementScore = 0.5;

/// Boxes that both runs found: of the same class, with an intersection over union of at least 0.5, each box once, best
/// score first. `total` counts the boxes from kAgreementScore of whichever run has more of them.
Agreement compare_boxes(std::span<const CocoFound> founds, std::span<const CocoFound> others);

/// Pixels with equal labels; of equal length.
Agreement compare_labels(std::span<const uint8_t> labels, std::span<const uint8_t> others);

}  // namespace zoo::eval
