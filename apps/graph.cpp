#include <memory>
#include <string>

#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/depth_flag.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/run_inputs.h"
#include "nn/graph/describe.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

struct GraphFlags {
  ModelFlags model;
  SizeFlag size;
  DepthFlag depth;
  std::string direction = "down";
  std::string format = "mermaid";
  std::string output = "-";
};

int draw_graph(const GraphFlags& flags) {
  const models::ModelConfig config = flags.model.load_config();
  claim_output(*files_of_run(flags.model, config), flags.output, "--output");
  const graph::Graph graph = models::build_graph(config);
  const auto [height, width] = flags.size.value_or_default(config);
  const Shape input = {1, graph.in_channels(), height, width};
  const graph::PictureOptions options{.depth = flags.depth.value, .left_to_right = flags.direction == "right"};
  const std::string text =
      flags.format == "dot" ? graph::to_dot(graph, input, options) : graph::to_mermaid(graph, input, options);
  sinks::DocumentOutput out(flags.output);
  out.write(text);
  out.finish();
  if (flags.output != "-") report_written(flags.output, fmt::format("{} as {}", config.name, flags.format));
  return kExitDone;
}

}  // namespace

Action setup_graph(CLI::App& app) {
  auto flags = std::make_shared<GraphFlags>();
  flags->model.add_to(app);
  flags->size.add_to(app);
  app.add_option("--format", flags->format, "Language of the drawing")
      ->check(CLI::IsMember({"mermaid", "dot"}))
      ->capture_default_str();
  flags->depth.add_to(app, "box");
  app.add_option("--direction", flags->direction, "Where the network goes")
      ->check(CLI::IsMember({"down", "right"}))
      ->capture_default_str();
  app.add_option("--output,-o", flags->output, "File to write, - for standard output")
      ->type_name("FILE")
      ->capture_default_str();
  return [flags] { return draw_graph(*flags); };
}

}  // namespace zoo::apps
