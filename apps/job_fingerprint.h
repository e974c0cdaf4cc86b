// What the results of a job depend on, beside its pictures.
#pragma once

#include <string>
#include <vector>

#include "apps/model_flags.h"
#include "models/model.h"
#include "nn/engine/executable.h"
#include "pipeline/batch/job_key.h"

namespace zoo::apps {

/// Digests of the model file, its labels and classes, all files of the weights and, for int8, the table of ranges; the
/// preprocessing as it came out, whoever stated it; the precision, the program's version and the hash of the engine's
/// sources, compiler and flags; the flags of the kernels, and `settings`: other flags that change answers, with their
/// values. Throws WeightError and IoError, also where one of the files was written after the program had started.
batch::Fingerprint job_fingerprint(const ModelFlags& flags, const models::Model& model, engine::Precision precision,
                                   const KernelFlags& kernels, const std::vector<std::string>& settings);

}  // namespace zoo::apps
