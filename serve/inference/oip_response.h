// An inference answer of the Open Inference Protocol v2, with Triton's binary tensors and classification.
#pragma once

#include "serve/http/http_message.h"
#include "serve/inference/infer_types.h"
#include "serve/inference/oip_request.h"

namespace zoo::serve {

/// The reply to a request, each output as it was asked for: in JSON, row-major and flat, FP32 so that it reads back bit
/// for bit, files as base64 (which the output's parameter "content_type" then says); or as binary data behind the JSON.
/// Throws InferError, 500, for values that JSON has not (NaN, infinity). Thread-safe.
HttpResponse write_oip_response(const OipRequest& request, const ServedModelInfo& model, InferReply reply);

}  // namespace zoo::serve
