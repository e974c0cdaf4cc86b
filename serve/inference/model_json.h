// What is told about models, as the Open Inference Protocol and Triton's extensions have it. Internal to
// serve/inference.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "serve/inference/inference_service.h"

namespace zoo::serve {

/// "parameters" hold the labels, by class.
nlohmann::ordered_json metadata_json(const ServedModelInfo& model);
/// The part of Triton's ModelConfig that clients look at.
nlohmann::ordered_json config_json(const ServedModelInfo& model);
nlohmann::ordered_json statistics_json(const std::vector<ModelStatistics>& statistics);
nlohmann::ordered_json index_json(const std::vector<RepositoryEntry>& entries, bool ready_only);

}  // namespace zoo::serve
