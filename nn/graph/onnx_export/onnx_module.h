// The writer of ONNX files as the face of a module (nn/core/module.h).
#pragma once

#include "nn/graph/onnx_export/onnx_export.h"

namespace zoo::onnx_export {

struct OnnxModule {
  std::string (*to_onnx)(const graph::BoundGraph& network, const Options& options);
};

/// Throws Error where the module cannot be loaded or is not in this build.
const OnnxModule& onnx_module();

}  // namespace zoo::onnx_export
