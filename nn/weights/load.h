// From a checkpoint file to the values of a network's parameters, with a report that is a contract: anything but a full
// match is an error unless the caller says which part may differ.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/core/parameter.h"
#include "nn/weights/checkpoint_file.h"
#include "nn/weights/name_scheme.h"

namespace zoo::weights {

struct LoadOptions {
  /// Names to read by; detected from the file when empty.
  std::optional<Ecosystem> ecosystem;
  /// Sections whose tensors may be missing, misshaped or left over in the file. They stay in the report; parameters
  /// without a value get that of `formula_values` with default options (nn/weights/synthetic.h).
  std::vector<Section> allow_missing;
};

/// How a file fits a network.
struct LoadReport {
  struct Mismatch {
    std::string tensor;  ///< name in the file
    Shape expected;
    Shape found;
    int rows_per_class = 1;  ///< ParameterRole::rows_per_class
  };

  std::filesystem::path file;
  std::shared_ptr<const NetworkNames> names;     ///< those of the network; nullptr: no ecosystem knows it
  Ecosystem ecosystem = Ecosystem::kNetsPresso;  ///< the scheme that was asked for, fits, or is nearest
  bool detected = false;                         ///< the scheme was found from the file's names, which it fits
  bool requested = false;                        ///< the scheme is the one LoadOptions asked for
  std::string entry;                             ///< key of the state dict that was taken, e.g. "model"
  std::vector<std::string> other_entries;        ///< keys of others, e.g. "model_ema"
  std::string stripped_prefix;                   ///< "module." of DataParallel and the like, behind which the names fit
  size_t matched = 0;                            ///< parameters found with the right shape and type
  size_t total = 0;                              ///< parameters of the network
  std::vector<std::string> missing;              ///< tensors the network needs and the file lacks
  std::vector<std::string> unexpected;           ///< tensors of the file that nothing asks for
  std::vector<std::string> outside_prefix;       ///< tensors that do not begin with `stripped_prefix`: left alone
  /// Tensors of the file that only training reads, and torch's `_extra_state`, which may be anything.
  std::vector<std::string> ignored;
  std::vector<Mismatch> misshaped;
  std::vector<std::string> wrong_type;  ///< tensors that hold no floating-point numbers
  std::vector<std::string> non_finite;  ///< tensors with NaN or infinity

  /// Whether load_checkpoint takes the file: complete, or incomplete only where LoadOptions::allow_missing says so.
  bool acceptable = false;

  /// Everything matched and nothing was left over but what only training reads. A batch norm's `num_batches_tracked`
  /// may be there or not.
  bool complete() const;
  /// What a user should do about a file that is not acceptable, one line.
  std::string advice() const;
  /// Several lines: the counts, then up to `limit` names per kind and how many more there are.
  std::string to_string(size_t limit = 8) const;
};

/// Compares names, shapes and types (and looks for NaN and infinity) without building anything. Without
/// `options.ecosystem`, the scheme is the one that every parameter fits; if none does, the one that knows most names of
/// the file. Of several state dicts in the file (CheckpointFile::entries) the one that fits is taken; of several that
/// do, the first of those that CheckpointFile::entries names. Throws WeightError when two schemes fit, when several
/// state dicts under other keys do, or when all names are there behind two different prefixes, and says how to choose.
LoadReport check_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                            const LoadOptions& options = {});

struct LoadedWeights {
  ParameterValues values;
  LoadReport report;
};

/// Reads every parameter. Aligned F32 data stay where the file's owner has them, in memory or in the mapped file
/// (FileUse); everything else (F16, BF16, F64) is converted to one buffer. Throws WeightError when the file does not
/// fit: `FILE: does not fit the network: ADVICE`, then the report.
LoadedWeights load_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                              const LoadOptions& options = {});

}  // namespace zoo::weights
