#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "nn/weights/load.h"

namespace zoo::apps {
namespace {

// Whoever asks what is wrong with a checkpoint gets the whole table.
constexpr size_t kAllNames = std::numeric_limits<size_t>::max();

struct ValidateFlags {
  std::vector<std::string> files;
  std::vector<std::string> overrides;
  std::string checkpoint;
  SizeFlag size;
  bool json = false;
};

/// What is wrong with one model file (and its weights), complete lines; empty if nothing is.
std::vector<std::string> problems_of(const std::string& file, const ValidateFlags& flags) {
  try {
    const ModelFlags model{file, flags.overrides};
    const models::ModelConfig config = model.load_config();
    spdlog::info("{}: preprocess: {}; from {}", file, models::to_string(config.preprocess), config.preprocess_origin);
    const graph::Graph graph = models::build_graph(config);
    const auto [height, width] = flags.size.value_or_default(config);
    graph::infer_shapes(graph, {1, graph.in_channels(), height, width});
    if (flags.checkpoint.empty()) return {};
    const auto weights_file = weights::CheckpointFile::open(flags.checkpoint, {.entry = config.checkpoint_entry});
    const weights::LoadReport report =
        weights::check_checkpoint(graph.parameters, weights_file, {.ecosystem = config.ecosystem, .allow_missing = {}});
    if (report.complete()) return {};
    return {fmt::format("{}: {}: does not fit the network: {}\n{}", file, flags.checkpoint, report.advice(),
                        report.to_string(kAllNames))};
  } catch (const ConfigError& error) {
    return error.problems();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    return {fmt::format("{}: {}", file, error.what())};
  }
}

int validate(const ValidateFlags& flags) {
  TextOutput out;
  int exit_code = kExitDone;
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const std::string& file : flags.files) {
    const std::vector<std::string> problems = problems_of(file, flags);
    if (!problems.empty()) exit_code = kExitUsage;
    if (flags.json) {
      results.push_back({{"file", file}, {"ok", problems.empty()}, {"problems", problems}});
      continue;
    }
    if (problems.empty()) out.line(fmt::format("{}: ok", file));
    for (const std::string& problem : problems) out.line(problem);
  }
  if (flags.json) out.line(results.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return exit_code;
}

}  // namespace

Action setup_validate(CLI::App& app) {
  auto flags = std::make_shared<ValidateFlags>();
  app.add_option("FILE", flags->files, "Model files (YAML)")->required();
  app.add_option("--set", flags->overrides, "Override one key of every file")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--checkpoint", flags->checkpoint, "Check that these weights fit, too")->type_name("FILE");
  flags->size.add_to(app);
  add_json_flag(app, flags->json);
  return [flags] { return validate(*flags); };
}

}  // namespace zoo::apps
