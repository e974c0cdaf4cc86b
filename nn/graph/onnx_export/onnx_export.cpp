#include "nn/graph/onnx_export/onnx_export.h"

#include "nn/graph/onnx_export/onnx_module.h"

namespace zoo::onnx_export {

std::string to_onnx(const graph::BoundGraph& network, const Options& options) {
  return onnx_module().to_onnx(network, options);
}

}  // namespace zoo::onnx_export
