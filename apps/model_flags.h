// The flags that several subcommands share.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/startup_clock.h"
#include "models/model.h"
#include "nn/engine/executable.h"

namespace zoo::apps {

/// MODEL and `--set`.
struct ModelFlags {
  std::string file;
  std::vector<std::string> overrides;

  void add_to(CLI::App& app);
  models::ModelConfig load_config() const;
  std::vector<ConfigOverride> parsed_overrides() const;
};

/// `--set` alone, for subcommands that take several models.
void add_set_flag(CLI::App& app, std::vector<std::string>& overrides);

/// `--checkpoint`, `--pretrained`, `--random-weights`, `--allow-missing`, and how large a network may be:
/// `--max-parameters`, `--max-activations`.
struct WeightFlags {
  std::string checkpoint;
  bool pretrained = false;
  bool random = false;
  std::vector<std::string> allow_missing;
  std::string calibration;  ///< only where add_calibration_to was called
  models::ModelLimits limits;

  void add_to(CLI::App& app);
  void add_calibration_to(CLI::App& app);
};

/// `--size H[xW]`.
struct SizeFlag {
  std::string text;

  void add_to(CLI::App& app);
  /// [H, W], empty without the flag. Throws UsageError.
  std::optional<std::array<int64_t, 2>> value() const;
  /// [H, W] of the flag, else of the model's preprocessing, else 224x224.
  std::array<int64_t, 2> value_or_default(const models::ModelConfig& config) const;
};

/// `--outputs NAME,...`
struct OutputsFlag {
  std::vector<std::string> names;

  /// `otherwise` says what is computed without the flag.
  void add_to(CLI::App& app, const std::string& otherwise);
  /// Throws UsageError for a name that is no output of the graph.
  void check(const graph::Graph& graph) const;
};

/// What `all` means: usable_cores(), or the most threads that there can be.
int all_cores();

/// A flag whose value is a number of cores, or `all`.
void add_cores_flag(CLI::App& app, const std::string& name, int& cores, const std::string& description);

/// `--threads N`; 0 = the model file's `runtime.threads`.
void add_threads_flag(CLI::App& app, int& threads);

/// `--precision P`; empty = the model file's `runtime.precision`.
void add_precision_flag(CLI::App& app, std::optional<engine::Precision>& precision);

/// `--kernels`, `--isa`, `--compact-layers`.
struct KernelFlags {
  std::string wanted = "auto";
  std::string isa = "auto";
  bool compact_layers = false;

  void add_to(CLI::App& app);
  engine::KernelOptions options() const;
};

/// `--batch N`.
void add_batch_flag(CLI::App& app, int64_t& batch);

/// `--seconds S`.
void add_seconds_flag(CLI::App& app, double& seconds);

/// `--json` without a value.
void add_json_flag(CLI::App& app, bool& json);

/// A flag that means nothing for models of other tasks.
struct TaskFlag {
  std::string name;  ///< e.g. "--topk"
  bool given = false;
  std::vector<Task> tasks;
};

/// Throws UsageError when a flag was given that this model would ignore.
void check_task_flags(const std::vector<TaskFlag>& flags, const models::ModelConfig& config);

/// What the flags ask of Model::load. Throws ConfigError.
models::LoadModelOptions load_options(const WeightFlags& weights, const std::vector<std::string>& overrides);

/// Logs what is worth knowing of a model (-v). `names_file`: each line says whose it is, where several load side by
/// side. Thread-safe.
void log_model(const models::Model& model, bool names_file = false);

/// Loads a model and logs what is worth knowing (-v). With a clock, the time goes to "configuration" and "weights".
/// `file_use` kInPlace is for who compiles at once and once.
std::shared_ptr<const models::Model> load_model(const ModelFlags& model, const WeightFlags& weights,
                                                StartupClock* clock = nullptr,
                                                weights::FileUse file_use = weights::FileUse::kCopy);

}  // namespace zoo::apps
