// Which files a checkpoint is spread over.
#pragma once

#include <filesystem>
#include <vector>

namespace zoo::weights {

/// The file itself and, where it is an index (model.safetensors.index.json), behind it those that it names, sorted.
/// Throws WeightError as CheckpointFile::open, without looking into those.
std::vector<std::filesystem::path> files_of_checkpoint(const std::filesystem::path& file);

}  // namespace zoo::weights
