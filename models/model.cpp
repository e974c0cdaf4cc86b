#include "models/model.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "models/calibration_file.h"
#include "models/pretrained_files.h"
#include "nn/core/error.h"
#include "nn/core/shown_text.h"
#include "nn/weights/checkpoint_file.h"
#include "nn/weights/synthetic.h"

namespace zoo::models {
namespace {

constexpr const char* kOwnWeights =
    "give a weights file with --checkpoint FILE (model.checkpoint.path), or --random-weights to try shapes and speed";

/// How a model without weights gets some.
std::string ways_to_weights(const ModelConfig& config) {
  const PretrainedCheckpoint* known = find_pretrained(config.pretrained);
  if (known == nullptr) return kOwnWeights;
  const bool cached = cached_weights(*known, hub::HubSettings::from_environment()).has_value();
  const std::string published =
      cached ? fmt::format("the published {} are in the cache: use them with --pretrained", known->name)
             : fmt::format("published are {}: fetch them with `backbone-zoo pull {}`, then use them with --pretrained",
                           known->name, known->name);
  return fmt::format("{} (model.checkpoint.use_pretrained: True); or {}", published, kOwnWeights);
}

/// The known checkpoint that the model file asks for, from the cache: loading a model never uses the network.
std::filesystem::path pretrained_weights(const ModelConfig& config) {
  const auto fail = [&](const std::string& problem) {
    throw ConfigError({fmt::format("{}: {}", config.checkpoint_where, problem)});
  };
  const PretrainedCheckpoint* known = find_pretrained(config.pretrained);
  if (known == nullptr)
    fail(fmt::format("{}; name one as model.checkpoint.pretrained (`backbone-zoo list --pretrained` shows them), or {}",
                     unknown_pretrained(config.pretrained), kOwnWeights));
  const hub::HubSettings settings = hub::HubSettings::from_environment();
  const auto file = cached_weights(*known, settings);
  if (!file) {
    fail(fmt::format("{} is not in the cache; get it with `backbone-zoo pull {}`, or by hand: {}", known->name,
                     known->name, by_hand(*known, settings)));
  }
  return *file;
}

// Messages about weights that the model file names begin with the key that names them.
weights::LoadedWeights load_weights(const graph::Graph& graph, const ModelConfig& config,
                                    const LoadModelOptions& options) {
  weights::LoadOptions load_options = {.ecosystem = config.ecosystem, .allow_missing = options.allow_missing};
  if (!config.task) {
    load_options.allow_missing.insert(load_options.allow_missing.end(), {Section::kNeck, Section::kHead});
  }
  const weights::CheckpointFileOptions file_options = {.entry = config.checkpoint_entry, .file_use = options.file_use};
  if (!options.checkpoint.empty()) {
    return weights::load_checkpoint(graph.parameters, weights::CheckpointFile::open(options.checkpoint, file_options),
                                    load_options);
  }
  std::filesystem::path file = config.checkpoint;
  if (file.empty() && config.use_pretrained) file = pretrained_weights(config);
  if (file.empty())
    throw ConfigError({fmt::format("{}: no weights: {}", config.file.string(), ways_to_weights(config))});
  try {
    return weights::load_checkpoint(graph.parameters, weights::CheckpointFile::open(file, file_options), load_options);
  } catch (const WeightError& error) {
    throw WeightError(Lines{fmt::format("{}: {}", printable(config.checkpoint_where), error.what())});
  }
}

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

}  // namespace

std::vector<ConfigOverride> overrides_of(const LoadModelOptions& options) {
  std::vector<ConfigOverride> overrides = options.overrides;
  if (options.pretrained) {
    if (!options.checkpoint.empty()) throw ConfigError({"pretrained weights and a checkpoint: give one of the two"});
    overrides.push_back({"model.checkpoint.path", "~"});
    overrides.push_back({"model.checkpoint.use_pretrained", "True"});
  }
  return overrides;
}

Model Model::load(const std::filesystem::path& file, const LoadModelOptions& options) {
  return with_errors_of(file.string(), [&] { return load(load_model_config(file, overrides_of(options)), options); });
}

Model Model::load_backbone(const std::filesystem::path& file, const LoadModelOptions& options) {
  return with_errors_of(file.string(),
                        [&] { return load(load_backbone_config(file, overrides_of(options)), options); });
}

Model Model::load(ModelConfig config, const LoadModelOptions& options) {
  const std::string name = config.file.string();
  return with_errors_of(name, [&] {
    Model model;
    model.config_ = std::move(config);
    model.limits_ = options.limits;
    model.network_.graph = build_graph(model.config_);
    check_parameters(model.network_.graph, model.limits_, name);
    model.calibration_file_ = options.calibration;
    if (options.random_weights) {
      model.network_.values = weights::formula_values(model.network_.graph.parameters, weights::FormulaOptions{});
      return model;
    }
    weights::LoadedWeights loaded = load_weights(model.network_.graph, model.config_, options);
    model.network_.values = std::move(loaded.values);
    model.report_ = std::move(loaded.report);
    if (model.calibration_file_.empty()) model.calibration_file_ = calibration_path(model.report_->file);
    return model;
  });
}

std::shared_ptr<const engine::Calibration> Model::calibration() const {
  const std::scoped_lock lock(calibration_->reading);
  if (calibration_->table != nullptr) return calibration_->table;
  const std::string name = config_.file.string();
  if (calibration_file_.empty()) {
    throw ConfigError({fmt::format(
        "{}: int8 with random weights needs a table of ranges: give --calibration FILE; `backbone-zoo calibrate {} "
        "--random-weights --data DIR --output FILE` makes one",
        name, name)});
  }
  if (!is_there(calibration_file_)) {
    throw ConfigError(
        {fmt::format("{}: there is no such file; int8 needs the ranges of this model's values: "
                     "`backbone-zoo calibrate {} --data DIR` makes it from your pictures",
                     calibration_file_.string(), name)});
  }
  calibration_->table =
      std::make_shared<const engine::Calibration>(load_calibration(calibration_file_, network_).calibration);
  return calibration_->table;
}

std::shared_ptr<const engine::Executable> Model::compile(const Shape& input,
                                                         const engine::CompileOptions& options) const {
  engine::CompileOptions resolved = options;
  if (!resolved.precision) resolved.precision = engine::precision_from(config_.runtime.precision);
  using engine::Precision;
  // Without a table, int8 is just none of those that kAuto has to choose from.
  const bool wants_table =
      resolved.precision == Precision::kInt8 || (resolved.precision == Precision::kAuto && is_there(calibration_file_));
  if (wants_table && resolved.calibration == nullptr) {
    resolved.calibration = calibration();
  }
  const std::string name = config_.file.string();
  const bool all = resolved.outputs.empty();
  check_activations(all ? network_.graph : graph::select_outputs(network_.graph, resolved.outputs), input, limits_,
                    name);
  return with_errors_of(name, [&] { return executables_->get(network_, input, resolved); });
}

ResolvedPrecision Model::resolve_precision(const Shape& input, const engine::CompileOptions& options) const {
  using engine::Precision;
  engine::CompileOptions exact = options;
  if (!exact.precision) exact.precision = engine::precision_from(config_.runtime.precision).value_or(Precision::kF32);
  if (exact.precision != Precision::kAuto) return {.precision = *exact.precision, .executable = nullptr, .note = {}};
  const auto fastest = compile(input, exact);
  exact.precision = fastest->precision();
  return {.precision = *exact.precision, .executable = compile(input, exact), .note = fastest->note()};
}

}  // namespace zoo::models
