// Writes the nodes of a graph as ONNX nodes. Internal to nn/graph/onnx_export.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/graph/onnx_export/model_writer.h"
#include "nn/graph/passes.h"

namespace zoo::onnx_export {

/// Writes one node after the other, in the graph's order. Everything given stays the caller's and must outlive this.
class NodeWriter {
 public:
  NodeWriter(const graph::BoundGraph& network, const std::vector<Shape>& shapes, ModelWriter& model);

  /// Writes what yields the node's value; the value gets the name `value`.
  void write(graph::NodeId id, const std::string& value);
  /// From now on, what reads the node's value reads it as rounded to 8 bits.
  void quantize(graph::NodeId id, const ValueRange& range);

 private:
  void write_op(const graph::Input& op);
  void write_op(const graph::Conv2d& op);
  void write_op(const graph::BatchNorm& op);
  void write_op(const graph::InstanceNorm& op);
  void write_op(const graph::Activation& op);
  void write_op(const graph::Add& op);
  void write_op(const graph::Mul& op);
  void write_op(const graph::GlobalAvgPool& op);
  void write_op(const graph::Flatten& op);
  void write_op(const graph::Linear& op);
  void write_op(const graph::SqueezeExcite& op);
  void write_op(const graph::ScaleChannels& op);
  void write_op(const graph::AvgPool2d& op);
  void write_op(const graph::MaxPool2d& op);
  void write_op(const graph::BlurPool2d& op);
  void write_op(const graph::Resize& op);
  void write_op(const graph::Concat& op);
  void write_op(const graph::SliceChannels& op);
  void write_op(const graph::ShuffleChannels& op);
  void write_op(const graph::MultiQueryAttention& op);

  /// Appends an ONNX node of the current node. `part` tells those of one node apart; it is empty for the last, which
  /// yields the value.
  std::string add(std::string_view type, std::string_view part, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});
  /// Applies a function to `src`, `part` as for add(); nothing is appended for kIdentity.
  std::string activate(const graph::FusedActivation& function, std::string_view part, const std::string& src);
  /// Rows or columns where ONNX's nearest would round to another one than torch's.
  std::string gather_nearest(std::string_view part, const std::string& src, int64_t axis, int64_t size);

  std::string parameter(ParameterId id);
  /// Weight and, if there is one, bias of a layer that reads the node's first input; rounded where that is.
  std::vector<std::string> layer_parameters(ParameterId weight, ParameterId bias);
  std::string scalar(float value);
  std::string integers(std::string_view part, std::span<const int64_t> values);
  /// Name of the value of the current node's input `index`.
  const std::string& source(size_t index) const;
  const Shape& source_shape(size_t index) const;
  const Shape& shape() const { return shapes_[static_cast<size_t>(id_)]; }

  const graph::BoundGraph& network_;
  const std::vector<Shape>& shapes_;
  ModelWriter& model_;
  std::vector<std::string> values_;  ///< name of every written node's value
  std::vector<float> scales_;        ///< of every node's value in 8 bits; 0 where it stays a float
  graph::NodeId id_ = 0;
  const graph::Node* node_ = nullptr;
};

}  // namespace zoo::onnx_export
