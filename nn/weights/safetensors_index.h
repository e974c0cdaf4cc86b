// The index of a checkpoint that is spread over several files (Hugging Face's model.safetensors.index.json). Internal
// to nn/weights.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace zoo::weights {

/// Which file each tensor is in.
using ShardMap = std::map<std::string, std::string, std::less<>>;

/// Whether bytes may be such an index: JSON, and not the header of a safetensors file.
bool looks_like_index(std::string_view head);

/// Reads `weight_map` of the index; everything else in it is left alone. `file` is what messages show. Throws
/// WeightError where it is no JSON, has no weight_map, names a tensor twice, or names a file that is not in the index's
/// own folder.
ShardMap parse_index(std::string_view json, const std::string& file);

}  // namespace zoo::weights
