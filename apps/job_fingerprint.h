// What the results of a job depend on, beside its pictures.
#pragma once

#include <string>
#include <vector>

#include "apps/model_flags.h"
#include "models/model.h"
#include "nn/engine/executable.h"
#include "pipeline/batch/job_key.h"

namespace zoo::apps {

/// Digests of the model file, its labels, the weights and, for int8, the table of ranges; the precision, the program's
/// version, and `settings`: the flags that change answers, with their values. Throws IoError.
batch::Fingerprint job_fingerprint(const ModelFlags& flags, const models::Model& model, engine::Precision precision,
                                   const std::vector<std::string>& settings);

}  // namespace zoo::apps
