// One input of a request becomes a tensor that a model takes.
#pragma once

#include <string_view>

#include "serve/inference/infer_types.h"
#include "serve/inference/oip_json.h"

namespace zoo::serve {

/// `binary`: of OipInput::binary_bytes many bytes. Throws Error naming the input: a datatype or shape that is not the
/// model's, sizes of 0, too little or too much data. Nothing is allocated by what the shape says before the data
/// agrees.
NamedTensor tensor_from(OipInput&& given, std::string_view binary, const TensorInfo& expected);

}  // namespace zoo::serve
