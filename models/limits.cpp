#include "models/limits.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace zoo::models {
namespace {

constexpr double kMebi = 1024.0 * 1024.0;
constexpr double kGibi = 1024.0 * kMebi;
constexpr int64_t kValueBytes = 4;

double gibi(int64_t bytes) { return static_cast<double>(bytes) / kGibi; }

std::string size_text(int64_t bytes) {
  if (gibi(bytes) >= 1.0) return fmt::format("{:.1f} GiB", gibi(bytes));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMebi);
}

/// For each node the last one that reads its value; the number of nodes for what the network hands out.
std::vector<size_t> last_readers(const graph::Graph& graph) {
  std::vector<size_t> last(graph.nodes.size(), 0);
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    for (const graph::NodeId input : graph.nodes[id].inputs) last[static_cast<size_t>(input)] = id;
  }
  for (const graph::Output& output : graph.outputs) last[static_cast<size_t>(output.node)] = graph.nodes.size();
  return last;
}

}  // namespace

int64_t activation_bytes(const graph::Graph& graph, const Shape& input) {
  const std::vector<Shape> shapes = graph::infer_shapes(graph, input);
  const std::vector<size_t> last = last_readers(graph);
  int64_t alive = 0;
  int64_t most = 0;
  for (size_t id = 0; id < graph.nodes.size(); ++id) {
    const std::vector<graph::NodeId>& sources = graph.nodes[id].inputs;
    const bool in_place = std::ranges::any_of(sources, [&](graph::NodeId source) {
      return last[static_cast<size_t>(source)] == id && shapes[static_cast<size_t>(source)] == shapes[id];
    });
    const int64_t bytes = shapes[id].elements() * kValueBytes;
    alive += bytes;
    most = std::max(most, in_place ? alive - bytes : alive);
    for (size_t i = 0; i < sources.size(); ++i) {
      const bool repeated = std::find(sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(i), sources[i]) !=
                            sources.begin() + static_cast<std::ptrdiff_t>(i);
      const auto source = static_cast<size_t>(sources[i]);
      if (!repeated && last[source] == id) alive -= shapes[source].elements() * kValueBytes;
    }
    if (last[id] == 0 && id > 0) alive -= bytes;  // nobody reads it
  }
  return most;
}

void check_parameters(const graph::Graph& graph, const ModelLimits& limits, const std::string& name) {
  int64_t count = 0;
  for (const Parameter& parameter : graph.parameters) count += parameter.shape.elements();
  if (count <= limits.parameters) return;
  throw TooLargeError(
      fmt::format("{}: the network has {} parameters ({} in f32), more than the limit of {}; fewer channels or "
                  "layers, or a higher limit (--max-parameters {})",
                  name, count, size_text(count * kValueBytes), limits.parameters, count),
      count, limits.parameters);
}

void check_activations(const graph::Graph& graph, const Shape& input, const ModelLimits& limits,
                       const std::string& name) {
  const int64_t bytes = activation_bytes(graph, input);
  if (bytes <= limits.activation_bytes) return;
  throw TooLargeError(
      fmt::format("{}: for an input of {} the network's activations need at least {}, more than the limit of "
                  "{}; a smaller input (--size), or a higher limit (--max-activations {})",
                  name, input.to_string(), size_text(bytes), size_text(limits.activation_bytes),
                  std::ceil(gibi(bytes))),
      bytes, limits.activation_bytes);
}

}  // namespace zoo::models
