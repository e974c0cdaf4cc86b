// What is known of a network before anything is compiled: its nodes, their shapes, who reads whom, parameters, and what
// the options and the machine allow. Internal to nn/engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nn/core/shape.h"
#include "nn/engine/executable.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/kernels/int8/int8.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/quantization.h"
#include "nn/graph/passes.h"

namespace zoo::engine {

/// Immutable. Of an optimised network.
class NetworkFacts {
 public:
  /// Precision::kInt8 needs `options.calibration`. The network must outlive this.
  NetworkFacts(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options);

  const graph::Graph& graph() const { return network_.graph; }
  const graph::Node& node(graph::NodeId id) const { return network_.graph[id]; }
  const Shape& shape(graph::NodeId id) const { return shapes_[static_cast<size_t>(id)]; }
  /// Multiply-accumulates, attention products included.
  int64_t macs(graph::NodeId id) const { return macs_[static_cast<size_t>(id)]; }
  /// The nodes that read a node's value.
  const std::vector<graph::NodeId>& readers(graph::NodeId id) const { return readers_[static_cast<size_t>(id)]; }
  /// The one node that reads what `id` yields; kNone if there are several or the network hands it out.
  graph::NodeId sole_reader(graph::NodeId id) const;
  /// Whether the network hands out what the node yields.
  bool is_output(graph::NodeId id) const;
  /// Whether a node reads the image as it comes, planar.
  bool reads_image(graph::NodeId id) const { return node(id).inputs.front() == 0; }
  /// Whether a SqueezeExcite reads the node: it could use the node's sums over all positions.
  bool is_squeezed(graph::NodeId id) const;

  /// Parameter values; empty span for kNone.
  std::span<const float> parameter(ParameterId id) const;
  kernels::ResolvedActivation resolve(const graph::FusedActivation& function) const;
  /// Only of int8 networks: of a map, or the image (node 0); nullptr for vectors.
  const std::shared_ptr<const Quantization>& quantization(graph::NodeId id) const { return quantization_->of(id); }

  /// See CompileOptions and KernelOptions.
  int tuned_threads() const { return tuned_threads_; }
  bool compact_layers() const { return compact_layers_; }
  /// What the network may use of the machine.
  const Capabilities& capabilities() const { return capabilities_; }
  const kernels::KernelTable& table() const { return table_; }
  /// Only of int8 networks.
  const kernels::Int8Table& int8_table() const { return *int8_table_; }

  /// Blocks of all images of a blocked value, and positions per block.
  int64_t blocks(const Shape& shape) const { return shape[0] * kernels::block_count(shape[1], table_.lanes); }
  static int64_t area(const Shape& shape) { return shape.rank() == 4 ? shape[2] * shape[3] : 1; }

 private:
  const graph::BoundGraph& network_;
  std::vector<Shape> shapes_;
  std::vector<int64_t> macs_;
  std::vector<std::vector<graph::NodeId>> readers_;
  int tuned_threads_;
  bool compact_layers_;
  Capabilities capabilities_;
  const kernels::KernelTable& table_;
  const kernels::Int8Table* int8_table_ = nullptr;
  std::optional<QuantizationTable> quantization_;
};

}  // namespace zoo::engine
