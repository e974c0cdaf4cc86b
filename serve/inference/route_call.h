// Routes whose handlers throw. Internal to serve/inference.
#pragma once

#include <exception>
#include <functional>
#include <utility>

#include "serve/http/http_server.h"
#include "serve/inference/inference_service.h"

namespace zoo::serve {

/// A handler that answers what `work` throws by `fail`.
inline HttpHandler answering(std::function<void(HttpRequest&, const Responder&)> work,
                             std::function<HttpResponse(const InferFailure&)> fail = failure_response) {
  return [work = std::move(work), fail = std::move(fail)](HttpRequest& request, const Responder& responder) {
    try {
      work(request, responder);
    } catch (const std::exception& error) {
      responder.answer(fail(failure_of(error)));
    }
  };
}

}  // namespace zoo::serve
