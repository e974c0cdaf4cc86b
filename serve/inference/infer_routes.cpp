#include "serve/inference/infer_routes.h"

namespace zoo::serve {

void add_infer_routes(HttpServer& server, InferenceService& service, const InferRouteOptions& options) {
  const RouteOptions open{.open = true};
  server.route("GET", "/v2/health/live", open,
               [](const HttpRequest&, const Responder& responder) { responder.answer({.body = "{\"live\":true}\n"}); });
  server.route("GET", "/v2/health/ready", open, [&service](const HttpRequest&, const Responder& responder) {
    responder.answer(service.ready() ? HttpResponse{.body = "{\"ready\":true}\n"} : json_error(503, "not ready"));
  });
  static_cast<void>(options);
}

}  // namespace zoo::serve
