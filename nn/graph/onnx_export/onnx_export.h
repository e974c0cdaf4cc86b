// A network as an ONNX model, for other runtimes: the same graph, the same weights, the same names of results.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nn/core/shape.h"
#include "nn/graph/passes.h"

namespace zoo::onnx_export {

/// The version of the operations' definitions. What it lacks (GELU, for one) is written with what it has.
inline constexpr int kOpset = 17;
/// The version of the file format that belongs to it (ONNX's table of versions).
inline constexpr int kIrVersion = 8;

/// Between which numbers a value lies, for a model in 8 bits; low <= 0 <= high.
struct ValueRange {
  std::string value;  ///< graph::Node::value_name(); "input" for the image
  float low = 0.0F;
  float high = 0.0F;
};

struct Options {
  /// [N, C, H, W]; the file is for this shape and no other.
  Shape input;
  /// Names of the graph's outputs to hand out, in this order; empty = all. What no output needs is left out.
  std::vector<std::string> outputs = {};
  std::string model_name = "network";
  /// Version of what writes the file.
  std::string producer_version = {};
  /// Key and value of `metadata_props`.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  /// If there are any, the model is one in 8 bits as ONNX Runtime's tools write them ("QDQ"): every value with a range
  /// goes through QuantizeLinear (u8, one scale) and DequantizeLinear, weights (s8, a scale per output channel) and
  /// biases (s32) through DequantizeLinear. A value that a ReLU alone reads stays as it is: the runtime does both at
  /// once.
  std::vector<ValueRange> ranges = {};
};

/// The bytes of an ONNX file. Its input is called "input", its results as the graph's outputs, every value as the node
/// that yields it. Batch norms and layer scales are folded into the layers before them, blur pools become convolutions;
/// nothing else is fused, because every runtime has patterns of its own that it looks for. Networks that have gone
/// through the passes are taken, too. Passes ONNX's checker and its strict shape inference, whose shapes are in the
/// file. Throws GraphError when the network does not fit the input, an output is unknown, values are missing, the
/// checker finds fault, or the file would exceed protobuf's 2 GiB; WeightError as fold_affine.
std::string to_onnx(const graph::BoundGraph& network, const Options& options);

}  // namespace zoo::onnx_export
