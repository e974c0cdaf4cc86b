// The addresses where clients ask models: the Open Inference Protocol v2 with Triton's extensions, and two for those
// who have a picture and want its answer.
//
//   GET  /v2                                            the server and its extensions
//   GET  /v2/health/live, /v2/health/ready              without a token; ready: 503 until all models are
//   GET  /v2/models/NAME[/versions/V]                   inputs and outputs
//   GET  /v2/models/NAME[/versions/V]/ready             503 while it loads
//   GET  /v2/models/NAME[/versions/V]/config            the same as Triton's configuration has it
//   GET  /v2/models[/NAME[/versions/V]]/stats           counts and times
//   POST /v2/models/NAME[/versions/V]/infer             oip_request.h, oip_response.h
//   POST /v2/repository/index                           models with their states
//   POST /v2/repository/models/NAME/load, .../unload
//   POST /predict/NAME                                  a picture: predict_route.h
//   POST /v1/vision/detection, /v1/vision/custom/NAME   a form with a picture, as DeepStack: deepstack_route.h
//
// Every failure is `{"error":"..."}` (DeepStack: with `"success":false`): 400 what is asked is wrong, 401, 403 see
// RequestGuard, 404 no such model or version, 405, 413 too large, 415 a coding or kind of body that is not read,
// 429, 503 with Retry-After, 500, 504. What is no HTTP at all, or has too long a head, libmicrohttpd answers itself,
// with a line of HTML, and closes.
#pragma once

#include <cstddef>
#include <string>

#include "serve/http/http_server.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {

struct InferRouteOptions {
  std::string server_version;          ///< of the program, for /v2
  size_t max_body = size_t{64} << 20;  ///< bytes of a request, also once it is inflated
  std::string detector = {};           ///< who answers /v1/vision/detection; empty: the only model that has boxes
};

/// Before the server is started. `service` must outlive the server.
void add_infer_routes(HttpServer& server, InferenceService& service, const InferRouteOptions& options);

}  // namespace zoo::serve
