// From the bytes of a stored tensor to float32. Internal to nn/weights.
#pragma once

#include <span>

#include "nn/weights/safetensors.h"

namespace zoo::weights {

/// F64, F32, F16 or BF16.
bool is_floating(DType type);

/// Whether no value is NaN, infinite or (F64) beyond float32. Precondition: is_floating.
bool all_finite(const StoredTensor& tensor);

/// Writes the tensor's values to `dst`, which has one float per element. F16 and BF16 are widened exactly (subnormals,
/// infinities and NaN payloads included), F64 is rounded to nearest. Precondition: is_floating.
void widen(const StoredTensor& tensor, std::span<float> dst);

}  // namespace zoo::weights
