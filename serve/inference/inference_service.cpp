#include "serve/inference/inference_service.h"

#include <new>

#include "nn/core/shown_text.h"

namespace zoo::serve {

HttpResponse failure_response(const InferFailure& failure) {
  HttpResponse response = json_error(failure.status, failure.message);
  if (failure.retry_after) response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

void throw_infer_error(int status, std::string message) {
  throw InferError({.status = status, .message = std::move(message)});
}

InferFailure failure_of(const std::exception& caught) {
  if (const auto* failed = dynamic_cast<const InferError*>(&caught)) return failed->failure();
  if (dynamic_cast<const Error*>(&caught) != nullptr) return {.status = 400, .message = caught.what()};
  if (dynamic_cast<const std::bad_alloc*>(&caught) != nullptr) {
    return {.status = 503, .message = "out of memory; try again later", .retry_after = std::chrono::seconds(1)};
  }
  return {.status = 500, .message = shortened(caught.what())};
}

}  // namespace zoo::serve
