// A model ready to be compiled: configuration, graph and weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "models/executables_in_use.h"
#include "models/limits.h"
#include "models/model_config.h"
#include "nn/engine/executable.h"
#include "nn/graph/passes.h"
#include "nn/weights/load.h"

namespace zoo::models {

/// How to get a model.
struct LoadModelOptions {
  /// Weights, relative to the working directory; the model file's own `checkpoint.path` when empty.
  std::filesystem::path checkpoint = {};
  /// The published weights of the model, from the cache, and their preprocessing where the file says nothing else: as
  /// `use_pretrained: True` without a `path` in the model file. For what reads a model file; only without `checkpoint`.
  bool pretrained = false;
  /// Seeded formula weights instead of a checkpoint, for shape and speed work.
  bool random_weights = false;
  /// Sections whose parameters may be missing or misshaped in the checkpoint (weights::LoadOptions).
  std::vector<Section> allow_missing = {};
  /// Whether the model has a copy of its weights, so that the file may be overwritten while the model is in use, or
  /// reads them from the file in place at each compilation.
  weights::FileUse file_use = weights::FileUse::kCopy;
  /// Ranges for int8, see calibration_file.h; beside the checkpoint when empty. Read when int8 is compiled.
  std::filesystem::path calibration = {};
  /// `--set` of the command line, for what reads a model file; a ModelConfig has been read.
  std::vector<ConfigOverride> overrides = {};
  /// How large a network may be.
  ModelLimits limits = {};
};

/// What reading the model file for these options has to override: `overrides`, and what `pretrained` stands for. Throws
/// ConfigError where both `pretrained` and `checkpoint` are given.
std::vector<ConfigOverride> overrides_of(const LoadModelOptions& options);

/// A precision that has been decided on.
struct ResolvedPrecision {
  engine::Precision precision = engine::Precision::kF32;  ///< never kAuto
  /// Where kAuto was asked for, the fastest network: while it lives, Model::compile with `precision` and otherwise the
  /// same options yields it. Else nullptr.
  std::shared_ptr<const engine::Executable> executable;
  std::string note;  ///< how kAuto was decided, see Executable::note(); else empty
};

/// Immutable once loaded; safe to share between threads.
class Model {
 public:
  /// Reads the model file (or the zoo's of that name, zoo_files.h) and its weights and checks that they fit. Throws
  /// ConfigError (the file is wrong, or there are no weights), WeightError, GraphError (TooLargeError), and Error for
  /// what else may go wrong.
  static Model load(const std::filesystem::path& file, const LoadModelOptions& options = {});
  /// The second step of the above: builds what load_model_config or load_backbone_config has read, and takes its
  /// weights. Throws WeightError, GraphError, ConfigError (there are no weights).
  static Model load(ModelConfig config, const LoadModelOptions& options = {});
  /// The backbone alone, see load_backbone_config. Weights may be those of a whole network: what belongs to its neck
  /// and head is left over. Throws as load does.
  static Model load_backbone(const std::filesystem::path& file, const LoadModelOptions& options = {});

  const ModelConfig& config() const { return config_; }
  const graph::BoundGraph& network() const { return network_; }
  /// Absent with random weights.
  const std::optional<weights::LoadReport>& report() const { return report_; }

  /// Where the ranges for int8 lie or belong: LoadModelOptions::calibration, else beside the checkpoint; empty with
  /// random weights.
  const std::filesystem::path& calibration_file() const { return calibration_file_; }

  /// What that file says, read at the first call. Throws ConfigError where it is missing or wrong.
  std::shared_ptr<const engine::Calibration> calibration() const;

  /// Compiles for an input [N, C, H, W], in the model file's `runtime.precision` unless the options have one; or yields
  /// what has been compiled for the same and is still in use: all who run one model share its packed weights. Throws
  /// GraphError and EngineError, see Executable::compile, and TooLargeError; WeightError where the weights are used in
  /// place (LoadModelOptions::file_use) and their file has changed since, also while it was compiled.
  /// For int8 without CompileOptions::calibration, the calibration file is read; throws ConfigError where it is missing
  /// or wrong.
  std::shared_ptr<const engine::Executable> compile(const Shape& input, const engine::CompileOptions& options) const;

  /// The precision that the options or else the model file ask for; kAuto is decided by measuring for this input
  /// [N, C, H, W], once for everything that is to be computed alike. Throws as compile.
  ResolvedPrecision resolve_precision(const Shape& input, const engine::CompileOptions& options) const;

 private:
  /// Read when it is asked for; copies of the model share it.
  struct LazyCalibration {
    std::mutex reading;
    std::shared_ptr<const engine::Calibration> table;  ///< guarded by `reading`
  };

  ModelConfig config_;
  ModelLimits limits_;
  graph::BoundGraph network_;
  std::optional<weights::LoadReport> report_;
  std::shared_ptr<ExecutablesInUse> executables_ = std::make_shared<ExecutablesInUse>();  ///< copies share it
  std::filesystem::path calibration_file_;
  std::shared_ptr<LazyCalibration> calibration_ = std::make_shared<LazyCalibration>();
};

}  // namespace zoo::models
