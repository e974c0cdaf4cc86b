// What a detection network has found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "heads/detection.h"
#include "nn/engine/executable.h"

namespace zoo::models {

/// Makes detections of what runners of one executable have computed. Where the maps are, how large they are and the
/// anchors for them are worked out at construction. Immutable and thread-safe; shares the executable's ownership.
class DetectionReader {
 public:
  /// Throws Error when the head has no anchors or the executable does not compute the maps that `decoding` names, and
  /// what `decoding.anchors` throws for maps of these sizes.
  DetectionReader(heads::DetectionDecoding decoding, std::shared_ptr<const engine::Executable> executable);

  /// The detections of picture `image` of the batch that `runner`, one of the executable's, has just run, see
  /// heads::decode_detections, which says what is thrown.
  std::vector<heads::Detection> read(const engine::Runner& runner, int64_t image) const;

  /// Of all levels, in the order of the rows.
  std::span<const heads::Box> anchors() const { return anchors_; }
  const std::shared_ptr<const engine::Executable>& executable() const { return executable_; }

 private:
  /// Indices of a level's raw maps among the executable's outputs.
  struct Level {
    size_t scores = 0;
    size_t offsets = 0;
    graph::Size2d size;
  };

  heads::DetectionDecoding decoding_;
  std::shared_ptr<const engine::Executable> executable_;
  std::vector<Level> levels_;
  std::vector<heads::Box> anchors_;
};

}  // namespace zoo::models
