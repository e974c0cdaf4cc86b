// Reading one stage of the trainer's column form: a map of equally long lists with one value per block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "nn/core/config_node.h"

namespace zoo::backbones {

/// Names of the lists; a list may have several.
inline constexpr std::array<std::string_view, 1> kInChannels = {"in_channels"};
inline constexpr std::array<std::string_view, 1> kKernelSizes = {"kernel_sizes"};
inline constexpr std::array<std::string_view, 1> kExpandedChannels = {"expanded_channels"};
inline constexpr std::array<std::string_view, 1> kOutChannels = {"out_channels"};
inline constexpr std::array<std::string_view, 1> kUseSe = {"use_se"};
inline constexpr std::array<std::string_view, 2> kActType = {"act_type", "activation"};
inline constexpr std::array<std::string_view, 1> kStride = {"stride"};
inline constexpr std::array<std::string_view, 1> kDilation = {"dilation"};
inline constexpr std::array<std::string_view, 1> kUseSkip = {"use_skip"};
inline constexpr std::array<std::string_view, 1> kSeReduction = {"se_reduction"};

/// The stages of `stage_params`; that there are none is recorded as a problem.
std::vector<ConfigNode> stage_items(const ConfigNode& stage_params);

/// What the first block of the first stage says it reads; 0 if that cannot be told.
int64_t first_in_channels(const ConfigNode& stage_params);

/// One list of a stage, e.g. `kernel_sizes`.
template <typename T>
struct Column {
  ConfigNode node;
  std::vector<ConfigNode> items;
  std::vector<T> values;  ///< one per item, also for items that are a problem

  /// Value of a block; `fallback` if the list is not given.
  T at(size_t block, T fallback) const { return values.empty() ? fallback : values[block]; }
};

/// Reads the lists of a stage and compares their lengths. Problems are recorded in the nodes.
class StageColumns {
 public:
  explicit StageColumns(const ConfigNode& stage) : stage_(stage) {}

  /// A list that must be there, under one of these names.
  template <typename Read>
  auto required(std::span<const std::string_view> names, Read read) {
    return read_all(required_node(names), false, read);
  }

  /// A list that may be absent or null.
  template <typename Read>
  auto optional(std::span<const std::string_view> names, Read read) {
    return read_all(stage_.find_any(names), true, read);
  }

  /// Blocks of the stage: the length that all lists have in common with the first one that was read; 0 if they differ.
  size_t length() const;

 private:
  struct Entry {
    ConfigNode node;
    size_t length = 0;
    bool absent = false;
  };

  ConfigNode required_node(std::span<const std::string_view> names) const;
  std::vector<ConfigNode> add(const ConfigNode& node, bool may_be_absent);

  template <typename Read>
  auto read_all(const ConfigNode& node, bool may_be_absent, Read read) {
    Column<decltype(read(node))> column = {node, add(node, may_be_absent), {}};
    for (const ConfigNode& item : column.items) column.values.push_back(read(item));
    return column;
  }

  ConfigNode stage_;
  std::vector<Entry> entries_;
};

}  // namespace zoo::backbones
