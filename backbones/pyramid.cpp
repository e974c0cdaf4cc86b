#include "backbones/pyramid.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo::backbones {
namespace {

constexpr std::array kFeatureLevels = {FeatureLevels::kStages, FeatureLevels::kStrides, FeatureLevels::kBlocks};
constexpr std::string_view kInside = ".expand";

// Why there is no value of this name.
std::string unknown_name(const std::string& name, const std::vector<std::string>& names) {
  if (name.ends_with(kInside)) {
    const std::string block = name.substr(0, name.size() - kInside.size());
    if (std::find(names.begin(), names.end(), block) != names.end()) {
      return fmt::format("{} has no expand convolution", block);
    }
  }
  const std::string nearest = nearest_name(name, names);
  return fmt::format("unknown level \"{}\"{}", name,
                     nearest.empty() ? "; levels are stem, stageS.blockB, stageS.blockB.expand and last_conv"
                                     : fmt::format("; did you mean \"{}\"?", nearest));
}

std::vector<size_t> decode_names(const ConfigNode& node, std::span<const FeatureValue> values) {
  std::vector<std::string> names;
  for (const FeatureValue& value : values) names.push_back(value.name);
  const std::vector<ConfigNode> items = node.items();
  if (items.empty()) node.problem("empty: a backbone has at least one level");
  std::vector<size_t> indices;
  for (const ConfigNode& item : items) {
    const std::string name = item.as_string();
    if (!item.is_scalar() || values.empty()) continue;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      item.problem(unknown_name(name, names));
      continue;
    }
    const auto index = static_cast<size_t>(found - names.begin());
    if (!indices.empty() && index <= indices.back()) {
      item.problem(fmt::format("does not come after {}; levels are listed from the input on", names[indices.back()]));
      continue;
    }
    indices.push_back(index);
    if (&item == &items.back() && values[index].inside_block) {
      item.problem("the last level is inside a block; give the block itself");
    }
  }
  return indices;
}

}  // namespace

FeatureSelection decode_feature_levels(const ConfigNode& node, std::span<const FeatureValue> values) {
  FeatureSelection selection;
  if (!node) return selection;
  if (node.is_list()) {
    selection.named = decode_names(node, values);
    if (!selection.named.empty()) selection.kind = FeatureLevels::kNamed;
    return selection;
  }
  const std::array<std::string, 3> choices = {"stages", "strides", "blocks"};  // as kFeatureLevels
  if (const auto choice = node.as_choice(choices, "feature levels")) selection.kind = kFeatureLevels[*choice];
  return selection;
}

FeaturePyramid select_levels(std::span<const FeatureValue> values, const FeatureSelection& selection) {
  FeaturePyramid pyramid;
  if (values.empty()) return pyramid;
  if (selection.kind == FeatureLevels::kNamed) {
    for (const size_t index : selection.named) pyramid.push_back(values[index].level);
    return pyramid;
  }
  for (const FeatureValue& value : values) {
    if (value.inside_block || (selection.kind == FeatureLevels::kStages && !value.ends_stage)) continue;
    const bool replaces =
        selection.kind == FeatureLevels::kStrides && !pyramid.empty() && pyramid.back().stride == value.level.stride;
    if (replaces) pyramid.pop_back();
    pyramid.push_back(value.level);
  }
  if (selection.kind == FeatureLevels::kStages) {
    // The last convolution, which ends no stage, stands for the last one; without stages there is nothing else.
    if (!pyramid.empty()) pyramid.pop_back();
    pyramid.push_back(values.back().level);
  }
  return pyramid;
}

std::optional<int> divided_block(std::span<const FeatureValue> values, const FeatureSelection& selection) {
  for (const size_t index : selection.named) {
    if (values[index].inside_block) return values[index].flat_block;
  }
  return std::nullopt;
}

PyramidBuilder::PyramidBuilder(const std::vector<FeatureValue>& values, const FeatureSelection& selection)
    : selection_(selection),
      values_(values),
      needed_(selection.kind == FeatureLevels::kNamed ? selection.named.back() + 1 : values.size()) {}

bool PyramidBuilder::complete() const { return added_ >= needed_; }

void PyramidBuilder::add(std::string_view name, graph::NodeId node, int64_t channels) {
  if (added_ == values_.size()) throw GraphError(fmt::format("{}: the backbone promised no value of this name", name));
  FeatureValue& value = values_[added_];
  if (value.name != name || value.level.channels != channels) {
    throw GraphError(fmt::format("{} with {} channels: the backbone promised {} with {} here", name, channels,
                                 value.name, value.level.channels));
  }
  value.level.value = node;
  ++added_;
}

FeaturePyramid PyramidBuilder::levels() const {
  if (!complete()) throw GraphError(fmt::format("{}: promised by the backbone, but not built", values_[added_].name));
  return select_levels(values_, selection_);
}

}  // namespace zoo::backbones
