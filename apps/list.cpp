#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/model_flags.h"
#include "apps/output.h"
#include "hub/hub_cache.h"
#include "models/pretrained_files.h"
#include "models/zoo_files.h"
#include "nn/core/counted.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct ListFlags {
  std::string folder;
  bool pretrained = false;
  bool json = false;
};

struct ZooEntry {
  fs::path file;
  std::string shown;  ///< the zoo's name of it, or the file
  std::string name;
  std::string task;
  std::string backbone;
  std::string head;
  int64_t classes = 0;
  int64_t parameters = 0;
  int64_t macs = 0;
  std::array<int64_t, 2> input{};
};

/// Whether a YAML file claims to be a model file: other programs have YAML files, too.
bool is_model_file(const fs::path& file) {
  const ConfigDocument document = ConfigDocument::load(file);
  return document.root().is_map() && document.root().find("model").exists();
}

/// `shown`: how a command line names the file.
ZooEntry describe(const fs::path& file, std::string shown) {
  const models::ModelConfig config = models::load_model_config(file);
  const graph::Graph graph = models::build_graph(config);
  ZooEntry entry{.file = file,
                 .shown = std::move(shown),
                 .name = config.name,
                 .task = std::string(models::task_name(config)),
                 .backbone = config.backbone_name,
                 .head = config.head_name,
                 .classes = config.num_classes,
                 .parameters = graph::parameter_count(graph),
                 .input = SizeFlag().value_or_default(config)};
  const std::vector<Shape> shapes =
      graph::infer_shapes(graph, {1, graph.in_channels(), entry.input[0], entry.input[1]});
  for (const int64_t macs : graph::multiply_accumulates(graph, shapes)) entry.macs += macs;
  return entry;
}

Json to_json(const ZooEntry& entry) {
  return {{"model", entry.shown},     {"file", entry.file.string()},    {"name", entry.name},
          {"task", entry.task},       {"backbone", entry.backbone},     {"head", entry.head},
          {"classes", entry.classes}, {"parameters", entry.parameters}, {"macs", entry.macs},
          {"input", entry.input}};
}

std::string to_text(const std::vector<ZooEntry>& entries) {
  size_t width = 5;
  for (const ZooEntry& entry : entries) width = std::max(width, entry.shown.size());
  std::string text = fmt::format("{:<{}}  {:<14}  {:<12}  {:>7}  {:>10}  {:>8}  {:>9}\n", "model", width, "task",
                                 "backbone", "classes", "parameters", "mmacs", "input");
  for (const ZooEntry& entry : entries) {
    text += fmt::format("{:<{}}  {:<14}  {:<12}  {:>7}  {:>8.2f} M  {:>8.1f}  {:>9}\n", entry.shown, width, entry.task,
                        entry.backbone, entry.classes, static_cast<double>(entry.parameters) * 1e-6,
                        static_cast<double>(entry.macs) * 1e-6, fmt::format("{}x{}", entry.input[0], entry.input[1]));
  }
  return text;
}

bool is_cached(const models::PretrainedCheckpoint& known, const hub::HubSettings& settings) {
  return models::cached_weights(known, settings).has_value();
}

Json to_json(const models::PretrainedCheckpoint& known, const hub::HubSettings& settings) {
  const bool cached = is_cached(known, settings);
  return {{"name", known.name},
          {"aliases", known.aliases},
          {"source", known.source == models::PretrainedSource::kHub ? "huggingface" : "torchvision"},
          {"model_file", known.model_file},
          {"classes", known.num_classes},
          {"input", known.preprocess && !known.preprocess->crop.empty() ? Json(known.preprocess->crop[0]) : Json()},
          {"url", models::weights_url(known, settings)},
          {"cached", cached ? Json(models::weights_path(known, settings).string()) : Json()}};
}

std::string to_text(const models::PretrainedCheckpoint& known, const hub::HubSettings& settings) {
  const std::string input =
      known.preprocess && !known.preprocess->crop.empty() ? fmt::format("{}", known.preprocess->crop[0]) : "-";
  return fmt::format("{:<60}  {:<39}  {:>7}  {:>5}  {}\n", known.name,
                     known.model_file.empty() ? "-" : known.model_file, known.num_classes, input,
                     is_cached(known, settings) ? "yes" : "no");
}

int list_pretrained(const ListFlags& flags) {
  if (!flags.folder.empty()) throw UsageError("list: --pretrained shows what is known, not what is in a folder");
  const hub::HubSettings settings = hub::HubSettings::from_environment();
  std::string text =
      fmt::format("{:<60}  {:<39}  {:>7}  {:>5}  {}\n", "name", "model file", "classes", "input", "cached");
  Json json = Json::array();
  for (const models::PretrainedCheckpoint& known : models::pretrained_checkpoints()) {
    text += to_text(known, settings);
    if (flags.json) json.push_back(to_json(known, settings));
  }
  sinks::TextOutput().write(flags.json ? json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : text);
  return kExitDone;
}

/// The folder asked for, else the zoo's. Throws UsageError.
fs::path folder_of(const ListFlags& flags) {
  if (!flags.folder.empty()) {
    std::error_code error;
    if (!fs::is_directory(flags.folder, error)) throw UsageError(fmt::format("list: {}: no such folder", flags.folder));
    return flags.folder;
  }
  const std::optional<fs::path> folder = models::zoo_folder();
  if (!folder)
    throw UsageError("list: the zoo's model files were not found; name their folder, or set ZOO_CONFIGS to it");
  return *folder;
}

int list(const ListFlags& flags) {
  if (flags.pretrained) return list_pretrained(flags);
  const bool is_zoo = flags.folder.empty();
  const fs::path folder = folder_of(flags);
  std::vector<ZooEntry> entries;
  int64_t others = 0;
  int exit_code = kExitDone;
  for (const fs::path& file : models::model_files_in(folder)) {
    try {
      if (!is_model_file(file)) {
        ++others;
        continue;
      }
      entries.push_back(describe(file, is_zoo ? models::zoo_name(file, folder) : file.string()));
    } catch (const ConfigError& error) {
      for (const std::string& problem : error.problems()) report(problem);
      exit_code = kExitUsage;
    } catch (const Error& error) {
      report(fmt::format("{}: {}", file.string(), error.what()));
      exit_code = kExitUsage;
    }
  }
  if (others > 0)
    report(fmt::format("{}: {} without the key \"model\" left out", folder.string(), counted(others, "YAML file")));
  if (!flags.json) {
    sinks::TextOutput().write(to_text(entries));
    return exit_code;
  }
  Json models = Json::array();
  for (const ZooEntry& entry : entries) models.push_back(to_json(entry));
  sinks::TextOutput().line(models.dump(2, ' ', false, Json::error_handler_t::replace));
  return exit_code;
}

}  // namespace

Action setup_list(CLI::App& app) {
  auto flags = std::make_shared<ListFlags>();
  app.add_option(
      "DIR", flags->folder,
      "Folder with model files (default: the zoo's own, whose names stand for the files in every subcommand: "
      "$ZOO_CONFIGS, else share/backbone_zoo/configs beside the program's folder, else ./configs, else the "
      "source tree around the program)");
  app.add_flag("--pretrained", flags->pretrained, "Show the known checkpoints that `pull` fetches instead");
  add_json_flag(app, flags->json);
  return [flags] { return list(*flags); };
}

}  // namespace zoo::apps
