// Turns the nodes of an optimised graph into steps: chooses layouts, inserts re-layouts, collects what has to be
// packed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/executable.h"
#include "nn/engine/kernels/f32/kernels.h"
#include "nn/engine/machine/capabilities.h"
#include "nn/engine/plan/compiled_steps.h"
#include "nn/graph/passes.h"

namespace zoo::engine {

/// y = f(W x + bias) of vectors [N, C].
struct VectorLayerSpec {
  ParameterId weight = graph::kNone;  ///< [outputs, inputs] or [outputs, inputs, 1, 1]
  ParameterId bias = graph::kNone;
  int64_t inputs = 0;
  int64_t outputs = 0;
  graph::FusedActivation activation = {};
};

class StepCompiler;

/// Adds the steps of a node in one storage format; false if the format has none for it, then nothing was added.
using Lowering = bool (*)(StepCompiler& compiler, graph::NodeId id);

/// Shared by the files that compile one family of operations each.
class StepCompiler {
 public:
  /// Precision::kInt8 needs `options.calibration`. Each node gets its steps from the first of `lowerings` that has some
  /// for it; they must stay.
  StepCompiler(const graph::BoundGraph& network, const Shape& input, const CompileOptions& options,
               std::span<const Lowering> lowerings);

  CompiledSteps compile();

  const kernels::KernelTable& table() const { return table_; }
  KernelChooser& chooser() { return chooser_; }
  /// See CompileOptions.
  int tuned_threads() const { return tuned_threads_; }
  bool is_f32() const { return precision_ == Precision::kF32; }
  /// See KernelOptions.
  bool compact_layers() const { return compact_layers_; }
  /// What the network may use of the machine.
  const Capabilities& capabilities() const { return capabilities_; }
  const graph::Node& node(graph::NodeId id) const { return network_.graph[id]; }
  const Shape& shape(graph::NodeId id) const { return shapes_[static_cast<size_t>(id)]; }
  const Value& value(ValueId id) const { return compiled_.values[static_cast<size_t>(id)]; }
  /// Value that holds what a node yields, in whatever layout it has.
  /// Throws EngineError where nothing holds it.
  ValueId value_of(graph::NodeId id) const;
  /// Whether there is one: not of nodes that come later, nor of those that are left to their reader.
  bool has_value(graph::NodeId id) const { return node_values_[static_cast<size_t>(id)] >= 0; }
  /// The same in this format; adds the steps that convert it, once for all readers, if it has another.
  ValueId value_in(graph::NodeId id, Format format);
  ValueId blocked_value_of(graph::NodeId id) { return value_in(id, kBlockedF32); }
  /// The nodes that read a node's value.
  const std::vector<graph::NodeId>& readers(graph::NodeId id) const { return readers_[static_cast<size_t>(id)]; }

  /// Only of int8 networks: the kernels, a node's quantisation (nullptr for vectors), its value as channels-last u8
  /// (converted once for all readers if it has another format), a new value for it.
  const kernels::Int8Table& int8_table() const { return *int8_table_; }
  const std::shared_ptr<const Quantization>& quantization(graph::NodeId id) const { return quantization_->of(id); }
  ValueId int8_value_of(graph::NodeId id);
  ValueId add_int8_value(graph::NodeId id, bool with_sums = false);
  /// Lets a step that takes about `cycles` fetch weights of later steps; to be called once its own are packed. Filled
  /// in at the end of compile().
  std::shared_ptr<const WeightsAhead> add_weights_ahead(double cycles);

  /// Parameter values; empty span for kNone.
  std::span<const float> parameter(ParameterId id) const;
  kernels::ResolvedActivation resolve(const graph::FusedActivation& function) const;

  ValueId add_value(const Shape& shape, Format format);
  void add_step(std::unique_ptr<Step> step);
  std::shared_ptr<PackedBlock> add_packed(size_t bytes, std::function<void(std::byte*)> pack);
  /// One block for all that have the same key.
  std::shared_ptr<PackedBlock> add_shared_packed(const std::string& key, size_t bytes,
                                                 std::function<void(std::byte*)> pack);
  /// Packed copy of floats.
  std::shared_ptr<PackedBlock> add_packed(std::vector<float> values);
  /// A bias with zeros up to a multiple of `step`; all zeros for kNone.
  std::shared_ptr<PackedBlock> add_packed_bias(ParameterId bias, int64_t outputs, int64_t step);

  /// Blocks of all images of a blocked value, and positions per block.
  int64_t blocks(const Shape& shape) const;
  static int64_t area(const Shape& shape);

  /// Whether the network hands out what the node yields.
  bool is_output(graph::NodeId id) const;
  /// The one node that reads what `id` yields; kNone if there are several or the network hands it out.
  graph::NodeId sole_reader(graph::NodeId id) const;
  /// Leaves a node to its sole reader, whose step does the work of both.
  void leave_to_reader(graph::NodeId id) {
    macs_[static_cast<size_t>(sole_reader(id))] += macs_[static_cast<size_t>(id)];
    left_to_reader_[static_cast<size_t>(id)] = true;
  }
  bool is_left_to_reader(graph::NodeId id) const { return left_to_reader_[static_cast<size_t>(id)]; }
  /// `id` and what comes before it along first inputs as far as it is left to its reader, in the order of the network.
  std::vector<graph::NodeId> with_left(graph::NodeId id) const;

  /// `node` (id) is yielded by `value`.
  void set_value(graph::NodeId id, ValueId value) { node_values_[static_cast<size_t>(id)] = value; }

  /// Whether a SqueezeExcite reads the node: it could use the node's sums over all positions, [N, C] blocked.
  bool is_squeezed(graph::NodeId id) const;
  void set_sums(graph::NodeId id, ValueId sums) { node_sums_[static_cast<size_t>(id)] = sums; }
  /// -1 if nothing yields them.
  ValueId sums_of(graph::NodeId id) const { return node_sums_[static_cast<size_t>(id)]; }

 private:
  void compile_node(graph::NodeId id);
  void plan_weights_ahead();
  ValueId converted(ValueId source, Format format, std::string_view name);
  ValueId planar_value(ValueId source, std::string_view name);

  const graph::BoundGraph& network_;
  std::vector<Shape> shapes_;
  std::vector<int64_t> macs_;
  int tuned_threads_;
  bool compact_layers_;
  Precision precision_;
  std::span<const Lowering> lowerings_;
  Capabilities capabilities_;
  const kernels::KernelTable& table_;
  KernelChooser chooser_;
  const kernels::Int8Table* int8_table_ = nullptr;
  std::optional<QuantizationTable> quantization_;
  std::vector<std::vector<graph::NodeId>> readers_;
  /// A step that fetches weights of later ones.
  struct Fetcher {
    double cycles = 0.0;
    size_t packed = 0;  ///< blocks that were packed for it and those before it
    std::shared_ptr<WeightsAhead> ahead;
  };
  std::vector<Fetcher> fetchers_;
  CompiledSteps compiled_;
  std::map<std::string, std::shared_ptr<PackedBlock>> shared_packed_;
  std::vector<ValueId> node_values_;
  std::vector<ValueId> node_sums_;
  std::vector<bool> left_to_reader_;
  struct Copy {
    ValueId source;
    Format format;
    ValueId copy;
  };
  std::vector<Copy> copies_;  ///< conversions made so far
};

/// relayout.cpp
/// The bytes of `src` re-arranged, between planar and blocked, or blocked and channels-last.
std::unique_ptr<Step> make_relayout(const StepCompiler& compiler, ValueId src, ValueId dst, std::string_view name);

}  // namespace zoo::engine
