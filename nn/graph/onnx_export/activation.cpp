// Activation functions with the operations of opset 17.
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "nn/graph/node_check.h"
#include "nn/graph/onnx_export/node_writer.h"

namespace zoo::onnx_export {
namespace {

// The float above 1/6: with 1/6 itself OpenCV 4.10 takes a gate's product with any value for a hard swish.
const float kSixth = std::nextafter(1.0F / 6.0F, 1.0F);

}  // namespace

std::string NodeWriter::activate(const graph::FusedActivation& function, std::string_view part,
                                 const std::string& src) {
  const auto inner = [part](std::string_view name) {
    return part.empty() ? std::string(name) : fmt::format("{}/{}", part, name);
  };
  switch (function.kind) {
    case ActivationKind::kIdentity:
      return src;
    case ActivationKind::kRelu:
      return add("Relu", part, {src});
    case ActivationKind::kRelu6:
      return add("Clip", part, {src, scalar(0.0F), scalar(6.0F)});
    case ActivationKind::kPrelu:
      return add("PRelu", part, {src, parameter(function.slope)});
    case ActivationKind::kLeakyRelu:
      return add("LeakyRelu", part, {src}, {{"alpha", kLeakyReluSlope}});
    case ActivationKind::kGelu: {
      // The form that runtimes recognise: 0.5 (x (1 + erf(x / sqrt 2))).
      const std::string scaled = add("Div", inner("scaled"), {src, scalar(std::numbers::sqrt2_v<float>)});
      const std::string erf = add("Erf", inner("erf"), {scaled});
      const std::string shifted = add("Add", inner("shifted"), {erf, scalar(1.0F)});
      return add("Mul", part, {add("Mul", inner("product"), {src, shifted}), scalar(0.5F)});
    }
    case ActivationKind::kSilu:
      return add("Mul", part, {src, add("Sigmoid", inner("sigmoid"), {src})});
    case ActivationKind::kHardSwish:
      return add("HardSwish", part, {src});
    case ActivationKind::kHardSigmoid:
      return add("HardSigmoid", part, {src}, {{"alpha", kSixth}, {"beta", 0.5F}});
    case ActivationKind::kSigmoid:
      return add("Sigmoid", part, {src});
  }
  throw graph::node_error(*node_, "unknown activation");
}

}  // namespace zoo::onnx_export
