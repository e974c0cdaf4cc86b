#include "nn/graph/onnx_export/node_writer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "nn/graph/node_check.h"

namespace zoo::onnx_export {
namespace {

std::vector<int64_t> pair(graph::Size2d size) { return {size.h, size.w}; }

std::vector<Attribute> window(graph::Size2d kernel, graph::Size2d stride, graph::Size2d pad) {
  return {{"kernel_shape", pair(kernel)},
          {"strides", pair(stride)},
          {"pads", std::vector<int64_t>{pad.h, pad.w, pad.h, pad.w}}};
}

}  // namespace

NodeWriter::NodeWriter(const graph::BoundGraph& network, const std::vector<Shape>& shapes, ModelWriter& model)
    : network_(network),
      shapes_(shapes),
      model_(model),
      values_(network.graph.nodes.size()),
      scales_(values_.size(), 0.0F) {}

void NodeWriter::write(graph::NodeId id, const std::string& value) {
  id_ = id;
  node_ = &network_.graph[id];
  std::visit([this](const auto& op) { write_op(op); }, node_->op);
  if (id > 0) model_.rename_last_result(value);
  values_[static_cast<size_t>(id)] = value;
}

void NodeWriter::quantize(graph::NodeId id, const ValueRange& range) {
  constexpr float kLevels = 255.0F;
  std::string& value = values_[static_cast<size_t>(id)];
  const float scale = range.high > range.low ? (range.high - range.low) / kLevels : 1.0F;
  const auto zero = static_cast<uint8_t>(std::clamp(std::nearbyint(-range.low / scale), 0.0F, kLevels));
  const std::vector<std::string> factors = {model_.add_floats(value + "/scale", {}, std::span(&scale, 1)),
                                            model_.add_bytes(value + "/zero_point", {}, std::span(&zero, 1))};
  const std::string rounded = model_.add_node("QuantizeLinear", value + "/quantized", {value, factors[0], factors[1]});
  value = model_.add_node("DequantizeLinear", value + "/dequantized", {rounded, factors[0], factors[1]});
  scales_[static_cast<size_t>(id)] = scale;
}

void NodeWriter::write_op(const graph::Input&) { model_.add_input("input", shape()); }

void NodeWriter::write_op(const graph::Conv2d& op) {
  const Shape& src = source_shape(0);
  const graph::ResolvedPadding pad = graph::resolve_padding(op, {src[2], src[3]});
  std::vector<std::string> inputs = layer_parameters(op.weight, op.bias);
  inputs.insert(inputs.begin(), source(0));
  const bool has_residual = node_->inputs.size() == 2;
  const bool is_activated = op.activation.kind != ActivationKind::kIdentity;
  std::string value = add("Conv", has_residual || is_activated ? "conv" : "", inputs,
                          {{"kernel_shape", pair(op.kernel)},
                           {"strides", pair(op.stride)},
                           {"pads", std::vector<int64_t>{pad.begin.h, pad.begin.w, pad.end.h, pad.end.w}},
                           {"dilations", pair(op.dilation)},
                           {"group", op.groups}});
  if (has_residual) value = add("Add", is_activated ? "residual" : "", {value, source(1)});
  activate(op.activation, "", value);
}

void NodeWriter::write_op(const graph::BatchNorm&) {
  throw graph::node_error(*node_, "must be folded before it is exported");
}

void NodeWriter::write_op(const graph::InstanceNorm& op) {
  const std::vector<float> ones(static_cast<size_t>(op.channels), 1.0F);
  const std::vector<float> zeros(static_cast<size_t>(op.channels), 0.0F);
  const std::string scale = model_.add_floats(fmt::format("ones.{}", op.channels), {op.channels}, ones);
  const std::string shift = model_.add_floats(fmt::format("zeros.{}", op.channels), {op.channels}, zeros);
  add("InstanceNormalization", "", {source(0), scale, shift}, {{"epsilon", static_cast<float>(op.eps)}});
}

void NodeWriter::write_op(const graph::Activation& op) {
  if (op.function.kind == ActivationKind::kIdentity) {
    add("Identity", "", {source(0)});
  } else {
    activate(op.function, "", source(0));
  }
}

void NodeWriter::write_op(const graph::Add&) { add("Add", "", {source(0), source(1)}); }
// The gate stands first: OpenCV 4.6 takes x * hard_sigmoid(y) for a hard swish, whatever x is.
void NodeWriter::write_op(const graph::Mul&) { add("Mul", "", {source(1), source(0)}); }
void NodeWriter::write_op(const graph::GlobalAvgPool&) { add("GlobalAveragePool", "", {source(0)}); }
void NodeWriter::write_op(const graph::Flatten&) { add("Flatten", "", {source(0)}, {{"axis", int64_t{1}}}); }

void NodeWriter::write_op(const graph::Linear& op) {
  std::vector<std::string> inputs = layer_parameters(op.weight, op.bias);
  inputs.insert(inputs.begin(), source(0));
  const bool is_activated = op.activation.kind != ActivationKind::kIdentity;
  activate(op.activation, "", add("Gemm", is_activated ? "linear" : "", inputs, {{"transB", int64_t{1}}}));
}

void NodeWriter::write_op(const graph::SqueezeExcite& op) {
  const auto layer = [this](std::string_view part, const std::string& src, ParameterId weight, ParameterId bias) {
    std::vector<std::string> inputs = {src, parameter(weight)};
    if (bias != graph::kNone) inputs.push_back(parameter(bias));
    return add("Conv", part, inputs, {{"kernel_shape", std::vector<int64_t>{1, 1}}});
  };
  const std::string mean = add("GlobalAveragePool", "mean", {source(0)});
  const std::string reduced = layer("reduce", mean, op.reduce_weight, op.reduce_bias);
  const std::string hidden = activate(op.inner, "inner", reduced);
  const std::string expanded = layer("expand", hidden, op.expand_weight, op.expand_bias);
  add("Mul", "", {activate(op.gate, "gate", expanded), source(0)});
}

void NodeWriter::write_op(const graph::ScaleChannels&) {
  throw graph::node_error(*node_, "must be folded before it is exported");
}

void NodeWriter::write_op(const graph::AvgPool2d& op) {
  std::vector<Attribute> attributes = window(op.kernel, op.stride, op.pad);
  attributes.push_back({"count_include_pad", int64_t{op.count_include_pad ? 1 : 0}});
  add("AveragePool", "", {source(0)}, attributes);
}

void NodeWriter::write_op(const graph::MaxPool2d& op) {
  add("MaxPool", "", {source(0)}, window(op.kernel, op.stride, op.pad));
}

void NodeWriter::write_op(const graph::BlurPool2d&) {
  throw graph::node_error(*node_, "must be a convolution before it is exported");
}

void NodeWriter::write_op(const graph::Concat&) {
  std::vector<std::string> inputs;
  for (size_t i = 0; i < node_->inputs.size(); ++i) inputs.push_back(source(i));
  add("Concat", "", inputs, {{"axis", int64_t{1}}});
}

void NodeWriter::write_op(const graph::SliceChannels& op) {
  const int64_t end = op.begin + op.channels;
  const int64_t axis = 1;
  add("Slice", "",
      {source(0), integers("begin", std::span(&op.begin, 1)), integers("end", std::span(&end, 1)),
       integers("axis", std::span(&axis, 1))});
}

void NodeWriter::write_op(const graph::ShuffleChannels& op) {
  const Shape& dst = shape();
  const std::array<int64_t, 5> groups = {dst[0], op.groups, op.channels / op.groups, dst[2], dst[3]};
  const std::string grouped = add("Reshape", "grouped", {source(0), integers("groups", groups)});
  const std::string turned = add("Transpose", "turned", {grouped}, {{"perm", std::vector<int64_t>{0, 2, 1, 3, 4}}});
  add("Reshape", "", {turned, integers("shape", dst.dims)});
}

std::string NodeWriter::add(std::string_view type, std::string_view part, const std::vector<std::string>& inputs,
                            const std::vector<Attribute>& attributes) {
  const std::string name = part.empty() ? node_->name : fmt::format("{}/{}", node_->name, part);
  return model_.add_node(type, name, inputs, attributes);
}

std::string NodeWriter::parameter(ParameterId id) {
  const Parameter& parameter = network_.graph.parameter(id);
  return model_.add_floats(parameter.name, parameter.shape, network_.values.views[static_cast<size_t>(id)]);
}

std::vector<std::string> NodeWriter::layer_parameters(ParameterId weight, ParameterId bias) {
  const float src_scale = scales_[static_cast<size_t>(node_->inputs.front())];
  if (src_scale == 0.0F) {
    std::vector<std::string> names = {parameter(weight)};
    if (bias != graph::kNone) names.push_back(parameter(bias));
    return names;
  }
  constexpr float kLargest = 127.0F;
  const Parameter& described = network_.graph.parameter(weight);
  const std::span<const float> values = network_.values.views[static_cast<size_t>(weight)];
  const auto outputs = static_cast<size_t>(described.shape[0]);
  const size_t row = values.size() / outputs;
  std::vector<int8_t> rounded(values.size());
  std::vector<float> scales(outputs);
  for (size_t o = 0; o < outputs; ++o) {
    float largest = 0.0F;
    for (const float value : values.subspan(o * row, row)) largest = std::max(largest, std::abs(value));
    // Runtimes divide by the scale, also where all weights are zero.
    scales[o] = largest > 0.0F ? largest / kLargest : 1.0F;
    for (size_t i = o * row; i < (o + 1) * row; ++i) {
      rounded[i] = static_cast<int8_t>(std::nearbyint(values[i] / scales[o]));
    }
  }
  const Shape per_output{static_cast<int64_t>(outputs)};
  const std::vector<int8_t> zeros(outputs, int8_t{0});
  const std::vector<Attribute> first_axis = {{"axis", int64_t{0}}};
  std::vector<std::string> names = {
      add("DequantizeLinear", "weight",
          {model_.add_signed_bytes(described.name + "/int8", described.shape, rounded),
           model_.add_floats(described.name + "/scale", per_output, scales),
           model_.add_signed_bytes(fmt::format("zeros_int8.{}", outputs), per_output, zeros)},
          first_axis)};
  if (bias == graph::kNone) return names;
  const std::span<const float> biases = network_.values.views[static_cast<size_t>(bias)];
  std::vector<int32_t> words(outputs);
  for (size_t o = 0; o < outputs; ++o) {
    scales[o] *= src_scale;
    words[o] = static_cast<int32_t>(
        std::clamp(std::nearbyint(static_cast<double>(biases[o]) / scales[o]), -2147483647.0, 2147483647.0));
  }
  names.push_back(add("DequantizeLinear", "bias",
                      {model_.add_words(node_->name + "/bias_int32", per_output, words),
                       model_.add_floats(node_->name + "/bias_scale", per_output, scales)},
                      first_axis));
  return names;
}

std::string NodeWriter::scalar(float value) {
  return model_.add_floats(fmt::format("constant.{}", value), {}, std::span(&value, 1));
}

std::string NodeWriter::integers(std::string_view part, std::span<const int64_t> values) {
  return model_.add_integers(fmt::format("{}/{}", node_->name, part), values);
}

const std::string& NodeWriter::source(size_t index) const { return values_[static_cast<size_t>(node_->inputs[index])]; }

const Shape& NodeWriter::source_shape(size_t index) const { return shapes_[static_cast<size_t>(node_->inputs[index])]; }

}  // namespace zoo::onnx_export
