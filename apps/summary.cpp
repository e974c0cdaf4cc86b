#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/depth_flag.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "nn/core/counted.h"
#include "nn/graph/describe.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

using Json = nlohmann::ordered_json;

struct SummaryFlags {
  ModelFlags model;
  SizeFlag size;
  DepthFlag depth;
  bool json = false;
};

/// One level of the backbone or the neck for the input at hand.
struct FeatureRow {
  std::string name;
  int64_t channels = 0;
  int64_t stride = 0;
  Shape shape;
};

struct Summary {
  std::string model;
  Shape input;
  models::PreprocessConfig preprocess;
  std::string preprocess_origin;
  std::vector<std::pair<std::string, std::string>> answers;  ///< what the file says of unknown, smoothing, multi_label
  int64_t parameters = 0;
  int64_t macs = 0;
  std::vector<FeatureRow> features;
  std::vector<FeatureRow> neck;
  std::vector<graph::LayerRow> layers;
  std::vector<graph::BlockRow> blocks;  ///< as deep as was asked for
};

/// The levels that the graph hands out as PREFIX.0, PREFIX.1, ....
template <typename Level>
std::vector<FeatureRow> level_rows(const graph::Graph& graph, const std::vector<Shape>& shapes, std::string_view prefix,
                                   const std::vector<Level>& levels) {
  std::vector<FeatureRow> rows;
  for (const Level& level : levels) {
    const std::string name = fmt::format("{}.{}", prefix, rows.size());
    const auto output = std::ranges::find(graph.outputs, name, &graph::Output::name);
    rows.push_back({name, level.channels, level.stride, shapes[static_cast<size_t>(output->node)]});
  }
  return rows;
}

Summary summarise(const SummaryFlags& flags) {
  const models::ModelConfig config = flags.model.load_config();
  const graph::Graph graph = models::build_graph(config);
  const auto [height, width] = flags.size.value_or_default(config);

  Summary summary;
  summary.model = config.name;
  summary.preprocess = config.preprocess;
  summary.preprocess_origin = config.preprocess_origin;
  summary.answers = models::texts_of(config.answers, config.labels);
  summary.input = {1, graph.in_channels(), height, width};
  summary.parameters = graph::parameter_count(graph);
  summary.layers = graph::layer_rows(graph, summary.input);
  summary.blocks = graph::block_rows(graph, summary.input, flags.depth.value);
  for (const graph::LayerRow& layer : summary.layers) summary.macs += layer.macs;

  const std::vector<Shape> shapes = graph::infer_shapes(graph, summary.input);
  summary.features = level_rows(graph, shapes, "feature", config.backbone.features);
  if (config.neck) summary.neck = level_rows(graph, shapes, "neck", config.neck->levels);
  return summary;
}

/// A table by part of the network; where that is every operation, their attributes have a column of their own.
std::string table_of(const Summary& summary) {
  const bool every = summary.blocks.size() == summary.layers.size();
  std::vector<std::array<std::string, 3>> texts = {
      {"name", every ? "operation" : "contents", every ? "attributes" : ""}};
  for (size_t i = 0; i < summary.blocks.size(); ++i) {
    if (every) {
      texts.push_back({summary.layers[i].name, summary.layers[i].op, summary.layers[i].attributes});
    } else {
      texts.push_back({summary.blocks[i].name, summary.blocks[i].contents, ""});
    }
  }
  std::array<size_t, 3> widths{};
  for (const auto& columns : texts) {
    for (size_t i = 0; i < columns.size(); ++i) widths[i] = std::max(widths[i], columns[i].size());
  }
  std::string table;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto& [name, what, attributes] = texts[i];
    table += fmt::format("{:<{}}  {:<{}}  ", name, widths[0], what, widths[1]);
    if (every) table += fmt::format("{:<{}}  ", attributes, widths[2]);
    if (i == 0) {
      table += fmt::format("{:<16}  {:>10}  {:>12}\n", "output", "parameters", "macs");
    } else {
      const graph::BlockRow& block = summary.blocks[i - 1];
      table += fmt::format("{:<16}  {:>10}  {:>12}\n", block.output.to_string(), block.parameters, block.macs);
    }
  }
  if (!every) {
    table += fmt::format("\n{} in {}; --depth all shows each\n", counted(std::ssize(summary.layers), "operation"),
                         counted(std::ssize(summary.blocks), "part"));
  }
  return table;
}

std::string to_text(const Summary& summary) {
  std::string text = table_of(summary);
  text += "\n";
  for (const auto& rows : {summary.features, summary.neck}) {
    for (const FeatureRow& row : rows) {
      text += fmt::format("{:<10}  {} (stride {})\n", row.name, row.shape.to_string(), row.stride);
    }
  }
  text += fmt::format("\n{}, input {}\nparameters  {} ({:.2f} M)\nmacs        {} ({:.3f} G)\n", summary.model,
                      summary.input.to_string(), summary.parameters, static_cast<double>(summary.parameters) * 1e-6,
                      summary.macs, static_cast<double>(summary.macs) * 1e-9);
  text += fmt::format("preprocess  {}; from {}\n", models::to_string(summary.preprocess), summary.preprocess_origin);
  for (const auto& [key, what] : summary.answers) text += fmt::format("{:<10}  {}\n", key, what);
  return text;
}

Json to_json(const std::vector<FeatureRow>& rows) {
  Json levels = Json::array();
  for (const FeatureRow& row : rows) {
    levels.push_back(
        {{"name", row.name}, {"channels", row.channels}, {"stride", row.stride}, {"shape", row.shape.dims}});
  }
  return levels;
}

Json to_json(const Summary& summary) {
  Json layers = Json::array();
  for (const graph::LayerRow& layer : summary.layers) {
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"attributes", layer.attributes},
                      {"output", layer.output.dims},
                      {"parameters", layer.parameters},
                      {"macs", layer.macs}});
  }
  Json blocks = Json::array();
  for (const graph::BlockRow& block : summary.blocks) {
    blocks.push_back({{"name", block.name},
                      {"operations", block.operations},
                      {"output", block.output.dims},
                      {"parameters", block.parameters},
                      {"macs", block.macs}});
  }
  Json document = {{"model", summary.model},
                   {"input", summary.input.dims},
                   {"parameters", summary.parameters},
                   {"macs", summary.macs},
                   {"features", to_json(summary.features)},
                   {"neck", to_json(summary.neck)},
                   {"layers", layers},
                   {"blocks", blocks},
                   {"preprocess_origin", summary.preprocess_origin}};
  for (const auto& [key, what] : summary.answers) document[key] = what;
  return document;
}

int summary(const SummaryFlags& flags) {
  const Summary result = summarise(flags);
  sinks::TextOutput().write(flags.json ? to_json(result).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                                       : to_text(result));
  return kExitDone;
}

}  // namespace

Action setup_summary(CLI::App& app) {
  auto flags = std::make_shared<SummaryFlags>();
  flags->model.add_to(app);
  flags->size.add_to(app);
  flags->depth.add_to(app, "line of the table, an entry of \"blocks\" in the JSON");
  add_json_flag(app, flags->json);
  return [flags] { return summary(*flags); };
}

}  // namespace zoo::apps
