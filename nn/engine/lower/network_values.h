// The values of a network that is being compiled: which one holds what a node yields, in what format, and the
// conversions between them. Internal to nn/engine.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/engine/lower/network_facts.h"
#include "nn/engine/plan/compiled_steps.h"

namespace zoo::engine {

/// Adds the steps that convert values to `steps`.
class NetworkValues {
 public:
  /// Value 0, planar, is the image. All must outlive this.
  NetworkValues(const NetworkFacts& network, Steps& steps);

  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }

  /// Value that holds what a node yields, in whatever layout it has.
  /// Throws EngineError where nothing holds it.
  ValueId of(graph::NodeId id) const;
  /// The same in this format; adds the steps that convert it, once for all readers, if it has another.
  ValueId in(graph::NodeId id, Format format);
  ValueId blocked(graph::NodeId id) { return in(id, kBlockedF32); }
  /// Only of int8 networks: as channels-last u8 in the node's quantisation.
  ValueId int8(graph::NodeId id);
  /// Planar, in memory that is not the image's: that is the caller's to fill again.
  ValueId output(const graph::Output& output);

  ValueId add(const Shape& shape, Format format);
  /// Only of int8 networks: u8 for what a node yields, or for a map.
  ValueId add_int8(graph::NodeId id);
  ValueId add_int8(const Shape& map, std::shared_ptr<const Quantization> quantization, bool with_sums);
  /// `node` (id) is yielded by `value`.
  void set(graph::NodeId id, ValueId value) { of_nodes_[static_cast<size_t>(id)] = value; }

  /// Sums of a node's value over all positions, [N, C] blocked; -1 if nothing yields them.
  ValueId sums_of(graph::NodeId id) const { return sums_[static_cast<size_t>(id)]; }
  void set_sums(graph::NodeId id, ValueId sums) { sums_[static_cast<size_t>(id)] = sums; }

  /// All of them, by id; nothing may be added any more.
  std::vector<Value> take() { return std::move(values_); }

 private:
  struct Copy {
    ValueId source;
    Format format;
    ValueId copy;
  };

  /// A conversion that was made already; -1 if it was not.
  ValueId known_copy(ValueId source, Format format) const;
  ValueId convert(ValueId source, ValueId copy, std::string_view name);
  ValueId converted(ValueId source, Format format, std::string_view name);

  const NetworkFacts& network_;
  Steps& steps_;
  std::vector<Value> values_;
  std::vector<ValueId> of_nodes_;
  std::vector<ValueId> sums_;
  std::vector<Copy> copies_;  ///< conversions made so far
};

}  // namespace zoo::engine
