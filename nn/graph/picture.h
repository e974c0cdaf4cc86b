// The layout of a network's picture: what goes into which box and which boxes belong together. Internal to nn/graph;
// the languages (Mermaid, Graphviz) are writers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nn/graph/graph.h"

namespace zoo::graph {

/// What a box is drawn like.
enum class Look { kTerminal, kLayer, kGate, kOther };

/// Fill colour as "#rrggbb".
std::string_view fill_colour(Look look);

/// Receives the parts of a picture: groups and boxes first, then outputs, then edges between "n<box>" and "o<output>".
class PictureWriter {
 public:
  virtual ~PictureWriter() = default;
  virtual void begin_group(const std::string& name) = 0;
  virtual void end_group() = 0;
  virtual void box(size_t index, const std::vector<std::string>& lines, Look look) = 0;
  virtual void output(size_t index, const std::string& name) = 0;
  virtual void edge(const std::string& from, const std::string& to) = 0;
};

/// Draws the graph with the shapes it has for this input, a part of `depth` components (describe.h) as one box. Throws
/// GraphError as infer_shapes does.
void draw(const Graph& graph, const Shape& input, int depth, PictureWriter& writer);

}  // namespace zoo::graph
