// The tensor that `preprocess` writes and `run` reads.
#pragma once

#include <string>

#include "nn/weights/safetensors.h"

namespace zoo::apps {

/// The tensor `input` of an open file. Throws WeightError that names the tensors there are, and how to make such a
/// file.
const weights::StoredTensor& input_tensor(const weights::SafetensorsFile& file, const std::string& path);

}  // namespace zoo::apps
