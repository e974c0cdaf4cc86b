// Which nodes of a network one step computes together. Decided for the whole network before anything is compiled, so
// that nothing that is compiled relies on what is compiled later. Internal to nn/engine.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "nn/engine/choice/kernel_choice.h"
#include "nn/engine/lower/lowering.h"
#include "nn/engine/lower/network_facts.h"

namespace zoo::engine {

/// A way to compute several nodes in one step, as a storage format offers it.
class GroupKind {
 public:
  virtual ~GroupKind() = default;

  /// `first` and those behind it that one step had better compute, each read by the next one alone, in the order of
  /// the network; empty: none.
  virtual std::vector<graph::NodeId> members(const NetworkFacts& network, KernelChooser& chooser,
                                             graph::NodeId first) const = 0;
  /// Adds the step of what members() has said; what the last one yields gets its value.
  virtual void lower(const LoweringContext& context, std::span<const graph::NodeId> members) const = 0;
};

struct FusionGroup {
  const GroupKind* kind = nullptr;
  std::vector<graph::NodeId> members;
};

/// Immutable.
class FusionPlan {
 public:
  /// Every node that is in no group yet is offered to `kinds` in their order. They must outlive this.
  FusionPlan(const NetworkFacts& network, KernelChooser& chooser, std::span<const GroupKind* const> kinds);

  /// The group whose last member is the node; null if there is none.
  const FusionGroup* group_yielding(graph::NodeId id) const;
  /// Whether a group computes the node, and nothing outside of it sees its value.
  bool is_inner(graph::NodeId id) const;
  /// All that is computed where the node's value is: the node alone, or its group.
  std::vector<graph::NodeId> members(graph::NodeId id) const;

 private:
  std::vector<std::shared_ptr<const FusionGroup>> groups_;  ///< of every node; null: none
};

}  // namespace zoo::engine
