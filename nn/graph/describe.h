// The picture of a network: as a table of layers or of blocks, as Mermaid and as Graphviz text.
#pragma once

#include <string>
#include <vector>

#include "nn/graph/graph.h"

namespace zoo::graph {

/// One line of the layer table.
struct LayerRow {
  std::string name;
  std::string op;
  /// Compact: kernel, stride, pad ("same" for TensorFlow's), dilation, channels, groups as in "3x3 s2 p1 d2 72->72 g72"
  /// (what is 1 or 0 is left out), then what passes fused in: "+residual", "+relu". Attention: key and value channels
  /// of a head, heads, as in "64->64 h4".
  std::string attributes;
  Shape output;
  int64_t parameters = 0;  ///< trainable values; those that several nodes share count at the first
  int64_t macs = 0;        ///< convolutions and linear layers; not the products of attention
};

/// One row per node, in execution order, for an input [N, C, H, W]. Throws GraphError as infer_shapes does.
std::vector<LayerRow> layer_rows(const Graph& graph, const Shape& input);

/// How much is told apart: a node of which the name has more components than this belongs to the part that these name.
inline constexpr int kSections = 1;  ///< backbone, neck, head
inline constexpr int kStages = 2;
inline constexpr int kBlocks = 3;
inline constexpr int kEverything = 0;  ///< every node

/// One line of the table of blocks.
struct BlockRow {
  std::string name;
  std::string contents;    ///< operations: "3 Conv2d, Add"; of one its attributes, too. Norms and activations aside
  int64_t operations = 0;  ///< nodes
  Shape output;            ///< of the last node
  int64_t parameters = 0;  ///< as LayerRow's
  int64_t macs = 0;
};

/// One row per part of the network in the order in which the parts begin. `depth`: components of names, at least 1, or
/// kEverything. A layer alone (`backbone.stem`: convolution, norm, activation) is one part from 2 on. Throws GraphError
/// as infer_shapes does.
std::vector<BlockRow> block_rows(const Graph& graph, const Shape& input, int depth);

struct PictureOptions {
  int depth = kEverything;  ///< a part is one box, see block_rows
  bool left_to_right = false;
};

/// Mermaid flowchart. A layer and the normalisation and activation that follow it share one box with
/// the output shape; sections, stages and blocks are subgraphs. Throws GraphError as infer_shapes does.
std::string to_mermaid(const Graph& graph, const Shape& input, const PictureOptions& options = {});

/// The same picture as a Graphviz digraph, with clusters for subgraphs.
std::string to_dot(const Graph& graph, const Shape& input, const PictureOptions& options = {});

/// Every field of an operation as text: what two operations of one kind differ in if they compute different things.
std::string every_attribute(const Op& op);

}  // namespace zoo::graph
