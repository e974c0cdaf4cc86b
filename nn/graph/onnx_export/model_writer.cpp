#include "nn/graph/onnx_export/model_writer.h"

#include <limits>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <unordered_set>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::onnx_export {
namespace {

void describe(::onnx::ValueInfoProto& value, const std::string& name, const Shape& shape) {
  value.set_name(name);
  ::onnx::TypeProto_Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(::onnx::TensorProto::FLOAT);
  for (const int64_t extent : shape.dims) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

/// Fills in the value of an attribute and its type.
struct SetValue {
  ::onnx::AttributeProto& attribute;

  void operator()(int64_t value) const {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  void operator()(float value) const {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
  }
  void operator()(const std::string& value) const {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (const int64_t value : values) attribute.add_ints(value);
  }
};

}  // namespace

struct ModelWriter::Model {
  ::onnx::ModelProto proto;
  std::unordered_set<std::string> constants;
};

ModelWriter::ModelWriter(const Options& options) : model_(std::make_unique<Model>()) {
  ::onnx::ModelProto& model = model_->proto;
  model.set_ir_version(kIrVersion);
  model.add_opset_import()->set_version(kOpset);
  model.set_producer_name("backbone-zoo");
  model.set_producer_version(options.producer_version);
  model.mutable_graph()->set_name(options.model_name);
  for (const auto& [key, value] : options.metadata) {
    ::onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
}

ModelWriter::~ModelWriter() = default;

void ModelWriter::add_input(const std::string& name, const Shape& shape) {
  describe(*model_->proto.mutable_graph()->add_input(), name, shape);
}

void ModelWriter::add_output(const std::string& name, const Shape& shape) {
  describe(*model_->proto.mutable_graph()->add_output(), name, shape);
}

std::string ModelWriter::add_node(std::string_view type, const std::string& name,
                                  const std::vector<std::string>& inputs, const std::vector<Attribute>& attributes) {
  ::onnx::NodeProto& node = *model_->proto.mutable_graph()->add_node();
  node.set_op_type(std::string(type));
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  for (const Attribute& attribute : attributes) {
    ::onnx::AttributeProto& proto = *node.add_attribute();
    proto.set_name(attribute.name);
    std::visit(SetValue{proto}, attribute.value);
  }
  return name;
}

void ModelWriter::rename_last_result(const std::string& name) {
  ::onnx::GraphProto& graph = *model_->proto.mutable_graph();
  graph.mutable_node(graph.node_size() - 1)->set_output(0, name);
}

std::string ModelWriter::add_constant(const std::string& name, int type, const Shape& shape,
                                      std::span<const std::byte> values) {
  if (!model_->constants.insert(name).second) return name;
  ::onnx::TensorProto& tensor = *model_->proto.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t extent : shape.dims) tensor.add_dims(extent);
  // ONNX stores raw data little-endian, which is what the machines of this engine are.
  tensor.set_raw_data(values.data(), values.size());
  return name;
}

std::string ModelWriter::add_floats(const std::string& name, const Shape& shape, std::span<const float> values) {
  return add_constant(name, ::onnx::TensorProto::FLOAT, shape, std::as_bytes(values));
}

std::string ModelWriter::add_integers(const std::string& name, std::span<const int64_t> values) {
  return add_constant(name, ::onnx::TensorProto::INT64, {static_cast<int64_t>(values.size())}, std::as_bytes(values));
}

std::string ModelWriter::add_bytes(const std::string& name, const Shape& shape, std::span<const uint8_t> values) {
  return add_constant(name, ::onnx::TensorProto::UINT8, shape, std::as_bytes(values));
}

std::string ModelWriter::add_signed_bytes(const std::string& name, const Shape& shape, std::span<const int8_t> values) {
  return add_constant(name, ::onnx::TensorProto::INT8, shape, std::as_bytes(values));
}

std::string ModelWriter::add_words(const std::string& name, const Shape& shape, std::span<const int32_t> values) {
  return add_constant(name, ::onnx::TensorProto::INT32, shape, std::as_bytes(values));
}

std::string ModelWriter::finish() {
  ::onnx::ModelProto& model = model_->proto;
  const std::string& name = model.graph().name();
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw GraphError(fmt::format("{}: {} bytes do not fit into an ONNX file", name, model.ByteSizeLong()));
  }
  try {
    ::onnx::checker::check_model(model);
    // Strict: a node whose shapes it cannot work out, or that differ from what we declare, is an error.
    constexpr bool kCheckTypes = true;
    constexpr int kStrict = 1;
    ::onnx::shape_inference::InferShapes(model, ::onnx::OpSchemaRegistry::Instance(),
                                         ::onnx::ShapeInferenceOptions(kCheckTypes, kStrict));
  } catch (const std::exception& error) {
    // Its exceptions have no base of their own.
    throw GraphError(fmt::format("{}: ONNX's checker refuses the model: {}", name, error.what()));
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) throw GraphError(fmt::format("{}: cannot be written as ONNX", name));
  return bytes;
}

}  // namespace zoo::onnx_export
