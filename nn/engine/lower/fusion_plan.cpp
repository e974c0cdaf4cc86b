#include "nn/engine/lower/fusion_plan.h"

#include <cassert>
#include <utility>

namespace zoo::engine {

FusionPlan::FusionPlan(const NetworkFacts& network, KernelChooser& chooser, std::span<const GroupKind* const> kinds)
    : groups_(network.graph().nodes.size()) {
  for (graph::NodeId id = 1; id < static_cast<graph::NodeId>(groups_.size()); ++id) {
    for (const GroupKind* kind : kinds) {
      if (groups_[static_cast<size_t>(id)] != nullptr) break;
      std::vector<graph::NodeId> members = kind->members(network, chooser, id);
      if (members.empty()) continue;
      const auto group = std::make_shared<const FusionGroup>(FusionGroup{kind, std::move(members)});
      for (size_t m = 0; m < group->members.size(); ++m) {
        const graph::NodeId member = group->members[m];
        assert(groups_[static_cast<size_t>(member)] == nullptr);
        assert(m + 1 == group->members.size() || network.sole_reader(member) == group->members[m + 1]);
        groups_[static_cast<size_t>(member)] = group;
      }
    }
  }
}

const FusionGroup* FusionPlan::group_yielding(graph::NodeId id) const {
  const FusionGroup* group = groups_[static_cast<size_t>(id)].get();
  return group != nullptr && group->members.back() == id ? group : nullptr;
}

bool FusionPlan::is_inner(graph::NodeId id) const {
  const FusionGroup* group = groups_[static_cast<size_t>(id)].get();
  return group != nullptr && group->members.back() != id;
}

std::vector<graph::NodeId> FusionPlan::members(graph::NodeId id) const {
  const FusionGroup* group = groups_[static_cast<size_t>(id)].get();
  return group == nullptr ? std::vector{id} : group->members;
}

}  // namespace zoo::engine
