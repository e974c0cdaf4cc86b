#include "models/pull.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "apps/progress.h"
#include "apps/signals.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using models::PretrainedCheckpoint;
using models::PretrainedSource;

struct PullFlags {
  std::string name;
  std::string revision;
  std::string cache;
  bool force = false;
  bool json = false;
};

bool is_model_file(const std::string& name) {
  std::error_code error;
  return name.ends_with(".yaml") || name.ends_with(".yml") || fs::is_regular_file(name, error);
}

/// What NAME stands for; for a model file, the checkpoint that it asks for.
const PretrainedCheckpoint& wanted(const PullFlags& flags) {
  std::string name = flags.name;
  if (is_model_file(name)) {
    const models::ModelConfig config = models::load_model_config(name);
    if (!config.use_pretrained) {
      const PretrainedCheckpoint* likely = models::find_pretrained(config.pretrained);
      throw UsageError(
          fmt::format("pull: {} asks for no known checkpoint: model.checkpoint.use_pretrained is not True; {}", name,
                      likely == nullptr ? "`backbone-zoo list --pretrained` shows the names that pull takes"
                                        : fmt::format("name it: `backbone-zoo pull {}`", likely->name)));
    }
    name = config.pretrained;
  }
  const PretrainedCheckpoint* known = models::find_pretrained(name);
  if (known == nullptr) {
    throw UsageError(
        fmt::format("pull: {}; `backbone-zoo list --pretrained` shows all", models::unknown_pretrained(name)));
  }
  return *known;
}

models::PullOptions pull_options(const PullFlags& flags, const PretrainedCheckpoint& known) {
  models::PullOptions options;
  options.settings = hub::HubSettings::from_environment();
  if (!flags.cache.empty()) options.settings.hub = options.settings.torch = flags.cache;
  options.force = flags.force;
  if (flags.revision.empty()) return options;
  if (known.source != PretrainedSource::kHub) {
    throw UsageError(fmt::format("pull: --revision: {} is a file of torchvision, which has no revisions", known.name));
  }
  if (!hub::is_revision(flags.revision)) {
    throw UsageError(fmt::format("pull: --revision {}: expected a branch, a tag or a commit", flags.revision));
  }
  options.revision = flags.revision;
  return options;
}

Json to_json(const models::PreprocessConfig& config) {
  return {{"resize", config.resize},
          {"crop", config.crop},
          {"interpolation", models::to_string(config.interpolation)},
          {"mean", config.mean},
          {"std", config.std}};
}

uintmax_t bytes_of(const fs::path& file) {
  std::error_code error;
  const uintmax_t bytes = fs::file_size(file, error);
  if (error) throw IoError(fmt::format("{}: cannot be read: {}", file.string(), error.message()));
  return bytes;
}

Json to_json(const PretrainedCheckpoint& known, const models::PulledCheckpoint& pulled) {
  Json json = {{"name", known.name},
               {"source", known.source == PretrainedSource::kHub ? "huggingface" : "torchvision"},
               {"file", pulled.weights.string()},
               {"bytes", bytes_of(pulled.weights)},
               {"fetched", pulled.fetched},
               {"model_file", known.model_file},
               {"classes", known.num_classes}};
  if (known.source == PretrainedSource::kHub) {
    json["repository"] = known.repository;
    json["commit"] = pulled.commit;
    json["config"] = pulled.config ? Json(pulled.config->string()) : Json();
  }
  json["preprocess"] = pulled.preprocess ? to_json(*pulled.preprocess) : Json();
  json["differences"] = pulled.differences;
  return json;
}

int stopped_by_signal(const fs::path& cache) {
  report(fmt::format("pull: stopped; what has arrived is kept under {}, and the next pull goes on from there",
                     cache.string()));
  return kExitSignalBase + stop_signal();
}

int pull(const PullFlags& flags) {
  const PretrainedCheckpoint& known = wanted(flags);
  models::PullOptions options = pull_options(flags, known);
  catch_stop_signals();
  options.download.http.stopped = [] { return stop_requested().load(); };
  std::optional<Progress> progress;
  std::optional<int64_t> shown_total;
  options.download.progress = [&](int64_t done, std::optional<int64_t> total) {
    // Each file begins a line of its own.
    if (!progress || shown_total != total) progress.emplace(total, ProgressUnit::kBytes);
    shown_total = total;
    progress->update(done);
  };
  options.download.notice = report;
  const bool is_hub = known.source == PretrainedSource::kHub;
  models::PulledCheckpoint pulled;
  try {
    pulled = models::pull(known, options);
  } catch (const hub::Stopped&) {
    progress.reset();
    return stopped_by_signal(is_hub ? options.settings.hub : options.settings.torch);
  }
  progress.reset();

  for (const std::string& difference : pulled.differences) {
    report(fmt::format("{}: config.json differs from what the zoo knows: {}", known.name, difference));
  }
  if (!known.model_file.empty()) spdlog::info("{} fits configs/{}.yaml", known.name, known.model_file);
  if (pulled.preprocess) spdlog::info("{}: {}", known.name, models::to_string(*pulled.preprocess));
  sinks::TextOutput().line(flags.json ? to_json(known, pulled).dump(2, ' ', false, Json::error_handler_t::replace)
                                      : pulled.weights.string());
  return kExitDone;
}

constexpr const char* kFooter =
    "Prints the path of the weights. They are checked by hash (SHA-256) and go into the cache that Python's libraries "
    "share: $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub; torchvision's into $TORCH_HOME/hub/checkpoints or "
    "~/.cache/torch/hub/checkpoints. An interrupted download goes on where it was. Also read: HF_ENDPOINT, HF_TOKEN, "
    "HF_HUB_OFFLINE, https_proxy, no_proxy.";

}  // namespace

Action setup_pull(CLI::App& app) {
  auto flags = std::make_shared<PullFlags>();
  app.add_option("NAME", flags->name,
                 "Checkpoint: timm's name with or without tag, a weights name of torchvision, or the id of a model "
                 "file of the zoo (list --pretrained shows all); or a model file with checkpoint.use_pretrained: True")
      ->required();
  app.add_option("--revision", flags->revision, "Branch, tag or commit of the hub's repository (default: main)")
      ->type_name("R");
  app.add_option("--cache", flags->cache, "Cache folder instead of the usual one")->type_name("DIR");
  app.add_flag("--force", flags->force, "Fetch even what is there");
  add_json_flag(app, flags->json);
  app.footer(fmt::format("{}\n\n{}", kFooter, app.get_footer()));
  return [flags] { return pull(*flags); };
}

}  // namespace zoo::apps
