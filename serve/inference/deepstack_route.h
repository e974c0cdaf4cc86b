// DeepStack's and CodeProject.AI's addresses for detection, which Frigate, Blue Iris and Home Assistant ask:
//
//   POST /v1/vision/detection         the one detector, or the one that is chosen
//   POST /v1/vision/custom/NAME       the detector of that name
//
// A form (multipart/form-data) with the part "image", a picture, and maybe "min_confidence"; where a token is asked
// for, "api_key" may be it. The answer:
//   {"success":true,"predictions":[{"label":"car","confidence":0.9,"x_min":1,"y_min":2,"x_max":30,"y_max":40}]}
// best first, in pixels of the picture. `?max=N`: no more than the best N (Frigate's plugin has room for 20 and fails
// beyond). Boxes of torchvision's label "N/A" are left out. A failure has its HTTP status and
// {"success":false,"error":"..."}.
#pragma once

#include <cstddef>
#include <string>

#include "serve/http/http_server.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {

/// CodeProject.AI's, where a form does not say: what is less sure is left out. A model that leaves out more does so
/// anyway.
inline constexpr float kMinConfidence = 0.4F;

/// Before the server is started. `service` must outlive the server. `detector`: see InferRouteOptions.
void add_deepstack_routes(HttpServer& server, InferenceService& service, const std::string& detector, size_t max_body);

}  // namespace zoo::serve
