// The models that addresses name. Internal to serve/inference.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "serve/http/http_message.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {

/// Throws InferError, 404, with the names that there are, where no model is called so, whether it runs or not.
void check_model_name(const InferenceService& service, const std::string& name);

/// Of an address; empty where it has none. Throws InferError, 404, for what is no number.
std::optional<int64_t> version_of(const HttpRequest& request);

/// The model of an address. Throws InferError: 404, also where it was unloaded, or 503 where it is not ready.
std::shared_ptr<const ServedModelInfo> model_of(const InferenceService& service, const HttpRequest& request);

}  // namespace zoo::serve
