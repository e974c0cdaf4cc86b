// The table of backbones by name. Decoding (reading the model file) comes first for the whole file, so that every
// problem is reported at once; building happens only after that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backbones/feature_info.h"
#include "nn/core/config_node.h"
#include "nn/core/named_table.h"
#include "nn/core/network_names.h"
#include "nn/graph/graph_builder.h"

namespace zoo::backbones {

/// A decoded backbone, ready to be added to a graph.
struct BackboneDefinition {
  int64_t in_channels = 3;
  /// Adds the nodes and yields the pyramid. Throws GraphError.
  std::function<FeaturePyramid(graph::GraphBuilder&)> build;
  /// Levels as `build` will yield them (value = kNone), so that heads can check themselves while decoding.
  FeaturePyramid features;
  /// Levels, ascending, that the configuration hands to heads which read several (the trainer's `return_stage_idx`);
  /// empty: all. A classification reads the coarsest level whatever this says, as in the trainer.
  std::vector<size_t> returned_levels = {};
  /// The key of `params` that names the returned levels, where it was left out and only the last level is returned for
  /// that reason; else empty. Tasks that read several levels want it set.
  std::string levels_key = {};
  /// Width that the backbone's own configuration form gives a head's hidden layer (lucid's `last_channels`); 0: none.
  int64_t head_channels = 0;
};

/// Reads `model.architecture.backbone` (a map with name, params, stage_params). Records problems in the node; what it
/// returns is used only if there were none.
using BackboneDecoder = std::function<BackboneDefinition(const ConfigNode& backbone)>;

/// A family in the table.
struct BackboneEntry {
  BackboneDecoder decoder;
  FamilyNames names;
};

/// Name -> decoder and names. Built-in families are listed in registry.cpp, users add their own with `add`. Not
/// synchronised: add before loading models from several threads.
class BackboneRegistry {
 public:
  /// The process-wide table, with the built-in families.
  static BackboneRegistry& global();

  /// `names`: how the ecosystems that have checkpoints for the family name its parameters; any other ecosystem has no
  /// name for its networks, whose checkpoints have the parameters' own names. Throws Error if the name is taken.
  void add(std::string name, BackboneDecoder decoder, FamilyNames names = {}) {
    families_.add("backbone", std::move(name), {std::move(decoder), std::move(names)});
  }
  /// nullptr if unknown.
  const BackboneEntry* find(std::string_view name) const { return families_.find(name); }
  std::vector<std::string> names() const { return families_.names(); }

 private:
  NamedTable<BackboneEntry> families_;
};

}  // namespace zoo::backbones
