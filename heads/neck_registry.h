// The table of necks by name. A neck stands between backbone and head: it reads feature levels and yields others.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heads/feature_level.h"
#include "nn/core/config_node.h"
#include "nn/core/named_table.h"
#include "nn/core/network_names.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// What a neck knows while it decodes.
struct NeckContext {
  /// The levels it reads, finest first, values kNone. Empty where the backbone is wrong, which has been reported: then
  /// a neck says nothing about levels.
  std::vector<FeatureLevel> features;
};

/// A decoded neck.
struct NeckDefinition {
  /// Adds the nodes for these levels and yields the neck's own, finest first. Throws GraphError.
  std::function<std::vector<FeatureLevel>(graph::GraphBuilder&, const std::vector<FeatureLevel>&)> build;
  /// Levels as `build` will yield them (values kNone), so that heads can check themselves while decoding; empty where
  /// the neck is wrong.
  std::vector<FeatureLevel> levels;
};

/// Reads `model.architecture.neck` (a map with name and params). Records problems in the node.
using NeckDecoder = std::function<NeckDefinition(const ConfigNode& neck, const NeckContext& context)>;

/// A neck in the table.
struct NeckEntry {
  NeckDecoder decoder;
  HeadNames names;
};

/// Name -> decoder and names. Same rules as BackboneRegistry.
class NeckRegistry {
 public:
  static NeckRegistry& global();

  void add(std::string name, NeckDecoder decoder, HeadNames names = {}) {
    necks_.add("neck", std::move(name), {std::move(decoder), std::move(names)});
  }
  const NeckEntry* find(std::string_view name) const { return necks_.find(name); }
  std::vector<std::string> names() const { return necks_.names(); }

 private:
  NamedTable<NeckEntry> necks_;
};

}  // namespace zoo::heads
