#include "nn/graph/op.h"

namespace zoo::graph {

std::string_view to_string(ResizeMode mode) { return mode == ResizeMode::kNearest ? "nearest" : "bilinear"; }

std::string_view op_name(const Op& op) {
  struct Name {
    std::string_view operator()(const Input&) const { return "Input"; }
    std::string_view operator()(const Conv2d&) const { return "Conv2d"; }
    std::string_view operator()(const BatchNorm&) const { return "BatchNorm"; }
    std::string_view operator()(const InstanceNorm&) const { return "InstanceNorm"; }
    std::string_view operator()(const Activation&) const { return "Activation"; }
    std::string_view operator()(const Add&) const { return "Add"; }
    std::string_view operator()(const Mul&) const { return "Mul"; }
    std::string_view operator()(const GlobalAvgPool&) const { return "GlobalAvgPool"; }
    std::string_view operator()(const Flatten&) const { return "Flatten"; }
    std::string_view operator()(const Linear&) const { return "Linear"; }
    std::string_view operator()(const SqueezeExcite&) const { return "SqueezeExcite"; }
    std::string_view operator()(const ScaleChannels&) const { return "ScaleChannels"; }
    std::string_view operator()(const AvgPool2d&) const { return "AvgPool2d"; }
    std::string_view operator()(const MaxPool2d&) const { return "MaxPool2d"; }
    std::string_view operator()(const BlurPool2d&) const { return "BlurPool2d"; }
    std::string_view operator()(const Resize&) const { return "Resize"; }
    std::string_view operator()(const Concat&) const { return "Concat"; }
    std::string_view operator()(const MultiQueryAttention&) const { return "MultiQueryAttention"; }
  };
  return std::visit(Name{}, op);
}

std::vector<ParameterId> parameters_of(const Op& op) {
  struct Ids {
    std::vector<ParameterId> operator()(const Input&) const { return {}; }
    std::vector<ParameterId> operator()(const Conv2d& conv) const {
      return {conv.weight, conv.bias, conv.activation.slope};
    }
    std::vector<ParameterId> operator()(const BatchNorm& norm) const {
      return {norm.weight, norm.bias, norm.mean, norm.var};
    }
    std::vector<ParameterId> operator()(const InstanceNorm&) const { return {}; }
    std::vector<ParameterId> operator()(const Activation& activation) const { return {activation.function.slope}; }
    std::vector<ParameterId> operator()(const Add&) const { return {}; }
    std::vector<ParameterId> operator()(const Mul&) const { return {}; }
    std::vector<ParameterId> operator()(const GlobalAvgPool&) const { return {}; }
    std::vector<ParameterId> operator()(const Flatten&) const { return {}; }
    std::vector<ParameterId> operator()(const Linear& linear) const {
      return {linear.weight, linear.bias, linear.activation.slope};
    }
    std::vector<ParameterId> operator()(const SqueezeExcite& se) const {
      return {se.reduce_weight, se.reduce_bias, se.expand_weight, se.expand_bias, se.inner.slope, se.gate.slope};
    }
    std::vector<ParameterId> operator()(const ScaleChannels& scale) const { return {scale.weight}; }
    std::vector<ParameterId> operator()(const AvgPool2d&) const { return {}; }
    std::vector<ParameterId> operator()(const MaxPool2d&) const { return {}; }
    std::vector<ParameterId> operator()(const BlurPool2d&) const { return {}; }
    std::vector<ParameterId> operator()(const Resize&) const { return {}; }
    std::vector<ParameterId> operator()(const Concat&) const { return {}; }
    std::vector<ParameterId> operator()(const MultiQueryAttention&) const { return {}; }
  };
  std::vector<ParameterId> ids = std::visit(Ids{}, op);
  std::erase(ids, kNone);
  return ids;
}

}  // namespace zoo::graph
