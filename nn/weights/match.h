// Which tensor of a file belongs to which parameter. Internal to nn/weights.
#pragma once

#include <span>
#include <vector>

#include "nn/weights/load.h"

namespace zoo::weights {

struct CheckpointMatch {
  CheckpointFile file;  ///< with the state dict that was chosen
  LoadReport report;
  /// The file's tensor for every parameter; nullptr where none fits. Points into `file`.
  std::vector<const StoredTensor*> sources;
};

/// The work behind check_checkpoint.
CheckpointMatch match_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                                 const LoadOptions& options);

}  // namespace zoo::weights
