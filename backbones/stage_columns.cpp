#include "backbones/stage_columns.h"

#include <string>

#include <fmt/format.h>

#include "backbones/block_chain.h"
#include "nn/core/counted.h"

namespace zoo::backbones {

std::vector<ConfigNode> stage_items(const ConfigNode& stage_params) {
  if (stage_params.is_list() && stage_params.items().empty()) {
    stage_params.problem("empty: a backbone has at least one stage");
  }
  return stage_params.items();
}

int64_t first_in_channels(const ConfigNode& stage_params) {
  if (!stage_params.is_list()) return 0;
  const std::vector<ConfigNode> stages = stage_params.items();
  if (stages.empty() || !stages.front().is_map()) return 0;
  const ConfigNode column = stages.front().find(kInChannels.front());
  if (!column.is_list()) return 0;
  const std::vector<ConfigNode> values = column.items();
  return values.empty() ? 0 : read_channels(values.front());
}

ConfigNode StageColumns::required_node(std::span<const std::string_view> names) const {
  const ConfigNode node = stage_.find_any(names);
  return node ? node : stage_.at(names.front());
}

std::vector<ConfigNode> StageColumns::add(const ConfigNode& node, bool may_be_absent) {
  const bool absent = may_be_absent && !given(node);
  std::vector<ConfigNode> items = absent ? std::vector<ConfigNode>() : node.items();
  entries_.push_back({node, items.size(), absent});
  return items;
}

size_t StageColumns::length() const {
  const Entry& first = entries_.front();
  if (first.node.is_list() && first.length == 0) first.node.problem("empty: a stage has at least one block");
  bool equal = true;
  for (const Entry& entry : entries_) {
    if (entry.absent || entry.length == first.length) continue;
    equal = false;
    if (!entry.node.is_list() || first.length == 0) continue;
    const std::string& path = first.node.path();
    entry.node.problem(fmt::format("{}, but {} has {}", counted(static_cast<int64_t>(entry.length), "value"),
                                   path.substr(path.rfind('.') + 1), first.length));
  }
  return equal ? first.length : 0;
}

}  // namespace zoo::backbones
