// ONNX files executed by OpenCV's dnn module: a second opinion that shares no code with this project.
#pragma once

#include <map>
#include <onnx/onnx_pb.h>
#include <string>
#include <vector>

#include <opencv2/dnn.hpp>

#include "nn/core/tensor.h"

namespace zoo::test {

/// The message in the bytes of an ONNX file; throws if it is none.
inline ::onnx::ModelProto parse_onnx(const std::string& bytes) {
  ::onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) throw std::runtime_error("not an ONNX file");
  return model;
}

/// The scalar constant of this name.
inline float constant_of(const ::onnx::ModelProto& model, const std::string& name) {
  for (const auto& tensor : model.graph().initializer()) {
    float value = 0.0F;
    if (tensor.name() != name || tensor.raw_data().size() != sizeof(value)) continue;
    std::memcpy(&value, tensor.raw_data().data(), sizeof(value));
    return value;
  }
  throw std::runtime_error("no scalar " + name);
}

/// OpenCV 4.6 knows Clip only as it was before opset 11, with its limits as attributes.
inline void write_limits_as_attributes(::onnx::ModelProto& model) {
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    if (node.op_type() != "Clip") continue;
    for (const auto& [index, name] : {std::pair(1, "min"), std::pair(2, "max")}) {
      auto& attribute = *node.add_attribute();
      attribute.set_name(name);
      attribute.set_type(::onnx::AttributeProto::FLOAT);
      attribute.set_f(constant_of(model, node.input(index)));
    }
    node.mutable_input()->DeleteSubrange(1, 2);
  }
}

/// Values of every output for this input. Throws cv::Exception for what OpenCV cannot do.
inline std::map<std::string, Tensor> run_in_opencv(const std::string& file, const Tensor& input) {
  ::onnx::ModelProto model = parse_onnx(file);
  write_limits_as_attributes(model);
  const std::string bytes = model.SerializeAsString();
  // OpenCV knows layers, not outputs: those of the nodes that yield the outputs.
  std::vector<std::string> names;
  std::vector<cv::String> layers;
  for (const auto& output : model.graph().output()) {
    for (const auto& node : model.graph().node()) {
      if (node.output(0) != output.name()) continue;
      names.push_back(output.name());
      layers.push_back("onnx_node!" + node.name());
    }
  }
  cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes.data(), bytes.size());
  std::vector<int> extents(input.shape.dims.begin(), input.shape.dims.end());
  cv::Mat blob(extents, CV_32F);
  std::copy(input.data.begin(), input.data.end(), blob.ptr<float>());
  net.setInput(blob);
  std::vector<cv::Mat> results;
  net.forward(results, layers);

  std::map<std::string, Tensor> outputs;
  for (size_t i = 0; i < names.size(); ++i) {
    const cv::Mat values = results[i].isContinuous() ? results[i] : results[i].clone();
    const int* sizes = values.size.p;
    outputs[names[i]] = {Shape(std::vector<int64_t>(sizes, sizes + values.dims)),
                         std::vector<float>(values.ptr<float>(), values.ptr<float>() + values.total())};
  }
  return outputs;
}

}  // namespace zoo::test
