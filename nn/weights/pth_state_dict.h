// The tensors of a file of torch.save. Internal to nn/weights.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/weights/safetensors.h"

namespace zoo::weights {

struct PthStateDict {
  std::shared_ptr<const ValuesOwner> owner;  ///< the tensors' memory
  std::vector<StoredTensor> tensors;         ///< in the order of the state dict
  std::string entry;                         ///< key it was taken from; empty if the file itself is the state dict
  std::vector<std::string> other_entries;
};

/// Reads the state dict of an archive in memory (pth_archive.h); `entry` as in CheckpointFileOptions. Only storages
/// that the state dict needs are read. A tensor that lies in its storage as it should points there, others (transposed,
/// expanded, ...) are copied into order, up to 1 GiB together. Values that are no tensors (an optimizer's state, the
/// epoch) are left alone. Throws WeightError.
PthStateDict read_pth(std::span<const std::byte> archive, const std::string& entry, const std::string& file);

}  // namespace zoo::weights
