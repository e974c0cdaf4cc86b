// What a file is that is no checkpoint. Internal to nn/weights.
#pragma once

#include <string>
#include <string_view>

namespace zoo::weights {

/// How many bytes of a file's beginning describe_foreign_file wants to see.
inline constexpr size_t kForeignHeadBytes = 512;

/// "an ONNX model; ..." with the way out, by the file's first bytes; empty if they tell nothing. Called only for what
/// has turned out to be no checkpoint: a safetensors file may begin with any of these bytes.
std::string describe_foreign_file(std::string_view head);

}  // namespace zoo::weights
