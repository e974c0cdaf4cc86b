// What a subcommand reads, so that it never writes there.
#pragma once

#include <memory>
#include <string>

#include "apps/model_flags.h"
#include "models/model.h"
#include "nn/core/run_files.h"

namespace zoo::apps {

/// Knows the model file, its labels and its checkpoint. `flags` are those that `config` was loaded with.
std::shared_ptr<RunFiles> files_of_run(const ModelFlags& flags, const models::ModelConfig& config);

/// Knows also what was loaded.
std::shared_ptr<RunFiles> files_of_run(const ModelFlags& flags, const models::Model& model);

/// Knows also the table of ranges, for those that read it.
std::shared_ptr<RunFiles> files_with_calibration(const ModelFlags& flags, const models::Model& model);

/// RunFiles::claim for a flag that may be absent (empty) or `-` for standard output.
void claim_output(RunFiles& run, const std::string& file, const std::string& flag);

}  // namespace zoo::apps
