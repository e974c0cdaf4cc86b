#include "serve/inference/inference_service.h"

namespace zoo::serve {

HttpResponse failure_response(const InferFailure& failure) {
  HttpResponse response = json_error(failure.status, failure.message);
  if (failure.retry_after) response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

}  // namespace zoo::serve
