// What clients may know of a model.
#pragma once

#include <memory>
#include <string>

#include "models/model.h"
#include "pipeline/tasks/network_runner.h"
#include "serve/inference/infer_types.h"

namespace zoo::serve {

/// `name`: what it is served under. Throws GraphError where the network does not fit its input.
ServedModelInfo describe_model(const std::string& name, int64_t version, std::shared_ptr<const models::Model> model,
                               const pipeline::NetworkOptions& options);

}  // namespace zoo::serve
