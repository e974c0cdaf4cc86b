// The table of heads by task and name. Heads see backbones only as feature levels.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heads/detection.h"
#include "heads/feature_level.h"
#include "nn/core/config_node.h"
#include "nn/core/named_table.h"
#include "nn/core/network_names.h"
#include "nn/core/task.h"
#include "nn/graph/graph_builder.h"

namespace zoo::heads {

/// What a head knows while it decodes.
struct HeadContext {
  /// The levels it reads, finest first, values kNone: the neck's or, without one, the backbone's. A classification
  /// reads all of the backbone, other tasks those that its configuration returns. Empty where backbone or neck is
  /// wrong, which has been reported: then a head says nothing about levels.
  std::vector<FeatureLevel> features;
  /// `model.num_classes`, which counts what the head's own library counts (a background class where that has one).
  int64_t num_classes = 0;
  /// Default width of a hidden layer where the backbone's configuration says one; 0: none.
  int64_t head_channels = 0;
};

/// A decoded head.
struct HeadDefinition {
  /// Adds the nodes for these levels and declares the graph's outputs: "logits" (classification [N, classes],
  /// segmentation [N, classes, H, W]) or the raw maps that `detection` names. Throws GraphError.
  std::function<void(graph::GraphBuilder&, const std::vector<FeatureLevel>&)> build;
  /// Only detection heads; its `postprocess` are the defaults of `model.postprocessor.params`.
  std::optional<DetectionDecoding> detection = std::nullopt;
};

/// Reads `model.architecture.head` (a map with name and params). Records problems in the node.
using HeadDecoder = std::function<HeadDefinition(const ConfigNode& head, const HeadContext& context)>;

/// A head in the table.
struct HeadEntry {
  HeadDecoder decoder;
  HeadNames names;
};

/// Name -> decoder and names per task. Same rules as BackboneRegistry.
class HeadRegistry {
 public:
  static HeadRegistry& global();

  /// `names`: how ecosystems name its parameters, where the backbone's family does not say otherwise.
  void add(Task task, std::string name, HeadDecoder decoder, HeadNames names = {});
  const HeadEntry* find(Task task, std::string_view name) const;
  std::vector<std::string> names(Task task) const;

 private:
  std::map<Task, NamedTable<HeadEntry>> heads_;
};

}  // namespace zoo::heads
