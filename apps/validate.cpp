#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "hub/hub_cache.h"
#include "models/calibration_file.h"
#include "models/pretrained_files.h"
#include "nn/weights/load.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

// Whoever asks what is wrong with a checkpoint gets the whole table.
constexpr size_t kAllNames = std::numeric_limits<size_t>::max();

struct ValidateFlags {
  std::vector<std::string> files;
  std::vector<std::string> overrides;
  std::string checkpoint;
  bool pretrained = false;
  std::string calibration;
  SizeFlag size;
  bool json = false;
};

/// What was found out about one model file.
struct Verdict {
  std::vector<std::string> problems;  ///< complete lines; empty if nothing is wrong
  std::string weights;                ///< the file that was found to fit, or why none was looked at
  std::vector<std::pair<std::string, std::string>> answers;  ///< what the file says of unknown, smoothing, multi_label
};

models::LoadModelOptions load_options(const ValidateFlags& flags) {
  WeightFlags weights;
  weights.checkpoint = flags.checkpoint;
  weights.pretrained = flags.pretrained;
  weights.calibration = flags.calibration;
  return apps::load_options(weights, flags.overrides);
}

/// The weights that a run of the model would read; nothing where there are none, which `verdict` says. Throws
/// ConfigError for published weights that were asked for by flag and are not there.
std::optional<std::filesystem::path> weights_file(const models::ModelConfig& config, const ValidateFlags& flags,
                                                  Verdict& verdict) {
  if (!flags.checkpoint.empty()) return flags.checkpoint;
  if (!config.checkpoint.empty() && !flags.pretrained) return config.checkpoint;
  if (!config.use_pretrained && !flags.pretrained) return std::nullopt;
  const models::PretrainedCheckpoint* known = models::find_pretrained(config.pretrained);
  if (known == nullptr) {
    verdict.weights = models::unknown_pretrained(config.pretrained);
    if (flags.pretrained) throw ConfigError({fmt::format("{}: {}", config.file.string(), verdict.weights)});
    return std::nullopt;
  }
  std::optional<std::filesystem::path> cached = models::cached_weights(*known, hub::HubSettings::from_environment());
  if (!cached) {
    verdict.weights =
        fmt::format("{} is not in the cache; `backbone-zoo pull {}` fetches it", known->name, known->name);
    if (flags.pretrained) throw ConfigError({fmt::format("{}: {}", config.file.string(), verdict.weights)});
  }
  return cached;
}

std::vector<std::string> problems_of_weights(const std::string& where, const std::filesystem::path& weights,
                                             const graph::Graph& graph, const models::ModelConfig& config) {
  try {
    const auto opened = weights::CheckpointFile::open(weights, {.entry = config.checkpoint_entry});
    const weights::LoadReport report =
        weights::check_checkpoint(graph.parameters, opened, {.ecosystem = config.ecosystem, .allow_missing = {}});
    if (report.complete()) return {};
    return {fmt::format("{}: {}: does not fit the network: {}\n{}", where, weights.string(), report.advice(),
                        report.to_string(kAllNames))};
  } catch (const WeightError& error) {
    return {fmt::format("{}: {}", where, error.what())};
  }
}

/// The table of ranges, where there is one or int8 will ask for it. Throws ConfigError.
void check_calibration(const std::string& file, const models::ModelConfig& config, const ValidateFlags& flags,
                       const std::filesystem::path& weights) {
  std::error_code error;
  const bool wanted = !flags.calibration.empty() || config.runtime.precision == "int8" ||
                      std::filesystem::exists(models::calibration_path(weights), error);
  if (wanted) models::Model::load(file, load_options(flags)).calibration();
}

/// Checks one model file, and what it names: labels, weights, ranges for int8.
Verdict check(const std::string& file, const ValidateFlags& flags) {
  Verdict verdict;
  try {
    const ModelFlags model{file, flags.overrides};
    const models::ModelConfig config = model.load_config();
    spdlog::info("{}: preprocess: {}; from {}", file, models::to_string(config.preprocess), config.preprocess_origin);
    if (const std::string remark = models::remark_on(config.preprocess); !remark.empty()) {
      report(fmt::format("{}: {}", file, remark));
    }
    verdict.answers = models::texts_of(config.answers, config.labels);
    const graph::Graph graph = models::build_graph(config);
    const auto [height, width] = flags.size.value_or_default(config);
    graph::infer_shapes(graph, {1, graph.in_channels(), height, width});
    const auto weights = weights_file(config, flags, verdict);
    if (!weights) return verdict;
    // The key that names the weights, if it is the model file.
    const bool own = flags.checkpoint.empty() && !config.checkpoint_where.empty();
    verdict.problems = problems_of_weights(own ? config.checkpoint_where : file, *weights, graph, config);
    if (!verdict.problems.empty()) return verdict;
    verdict.weights = fmt::format("{} fits", weights->string());
    check_calibration(file, config, flags, *weights);
  } catch (const ConfigError& error) {
    verdict.problems = error.problems();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    verdict.problems = {fmt::format("{}: {}", file, error.what())};
  }
  return verdict;
}

int validate(const ValidateFlags& flags) {
  sinks::TextOutput out;
  int exit_code = kExitDone;
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const std::string& file : flags.files) {
    const auto [problems, weights, answers] = check(file, flags);
    if (!problems.empty()) exit_code = kExitUsage;
    if (flags.json) {
      results.push_back({{"file", file},
                         {"ok", problems.empty()},
                         {"problems", problems},
                         {"weights", weights.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(weights)}});
      for (const auto& [key, text] : answers) results.back()[key] = text;
      continue;
    }
    if (problems.empty()) {
      std::string line = fmt::format("{}: ok{}", file, weights.empty() ? "" : "; weights: " + weights);
      for (const auto& [key, text] : answers) line += fmt::format("; {}: {}", key, text);
      out.line(line);
    }
    for (const std::string& problem : problems) out.line(problem);
  }
  if (flags.json) out.line(results.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  return exit_code;
}

}  // namespace

Action setup_validate(CLI::App& app) {
  auto flags = std::make_shared<ValidateFlags>();
  app.add_option("FILE", flags->files, "Model files (YAML), or names that `list` shows")->required();
  app.add_option("--set", flags->overrides, "Override one key of every file")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  CLI::Option* checkpoint =
      app.add_option(
             "--checkpoint", flags->checkpoint,
             "Check these weights (default: those the model file names; --set model.checkpoint.path=~ checks none)")
          ->type_name("FILE");
  app.add_flag("--pretrained", flags->pretrained, "Check the published weights that `pull` has fetched")
      ->excludes(checkpoint);
  app.add_option("--calibration", flags->calibration,
                 "Check these ranges for int8 (default: those beside the weights, if there are any)")
      ->type_name("FILE");
  flags->size.add_to(app);
  add_json_flag(app, flags->json);
  return [flags] { return validate(*flags); };
}

}  // namespace zoo::apps
