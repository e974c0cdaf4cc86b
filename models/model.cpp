#include "models/model.h"

#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/checkpoint_file.h"
#include "nn/weights/synthetic.h"

namespace zoo::models {
namespace {

// Messages about weights that the model file names begin with the key that names them.
weights::LoadedWeights load_weights(const graph::Graph& graph, const ModelConfig& config,
                                    const LoadModelOptions& options) {
  const weights::LoadOptions load_options = {.ecosystem = config.ecosystem, .allow_missing = options.allow_missing};
  const weights::CheckpointFileOptions file_options = {.entry = config.checkpoint_entry};
  if (!options.checkpoint.empty()) {
    return weights::load_checkpoint(graph.parameters, weights::CheckpointFile::open(options.checkpoint, file_options),
                                    load_options);
  }
  if (config.checkpoint.empty()) {
    const std::string where = config.checkpoint_where.empty() ? config.file.string() : config.checkpoint_where;
    const std::string why =
        config.use_pretrained ? "True, but downloading weights is not available in this version" : "no weights";
    throw ConfigError(
        {fmt::format("{}: {}: give a weights file as model.checkpoint.path or --checkpoint, or "
                     "--random-weights for shape and speed work",
                     where, why)});
  }
  try {
    return weights::load_checkpoint(graph.parameters, weights::CheckpointFile::open(config.checkpoint, file_options),
                                    load_options);
  } catch (const WeightError& error) {
    throw WeightError(fmt::format("{}: {}", config.checkpoint_where, error.what()));
  }
}

}  // namespace

Model Model::load(const std::filesystem::path& file, const LoadModelOptions& options) {
  return build(load_model_config(file, options.overrides), options);
}

Model Model::load_backbone(const std::filesystem::path& file, const LoadModelOptions& options) {
  LoadModelOptions tolerant = options;
  tolerant.allow_missing.insert(tolerant.allow_missing.end(), {Section::kNeck, Section::kHead});
  return build(load_backbone_config(file, options.overrides), tolerant);
}

Model Model::build(ModelConfig config, const LoadModelOptions& options) {
  Model model;
  model.config_ = std::move(config);
  model.network_.graph = build_graph(model.config_);
  if (options.random_weights) {
    model.network_.values = weights::formula_values(model.network_.graph.parameters, weights::FormulaOptions{});
    return model;
  }
  weights::LoadedWeights loaded = load_weights(model.network_.graph, model.config_, options);
  model.network_.values = std::move(loaded.values);
  model.report_ = std::move(loaded.report);
  return model;
}

std::shared_ptr<const engine::Executable> Model::compile(const Shape& input,
                                                         const engine::CompileOptions& options) const {
  return engine::Executable::compile(network_, input, options);
}

}  // namespace zoo::models
