// An inference request of the Open Inference Protocol v2, with Triton's binary tensors and classification.
//
// The body is the JSON object, then the binary data of the inputs that have "binary_data_size"; the header
// Inference-Header-Content-Length says where the object ends, and 0 that there is none: then the body is one picture.
// Of "images" every element is a file: as it is in binary data (behind four bytes of length, little-endian), base64 in
// JSON.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/inference/infer_types.h"
#include "serve/inference/oip_json.h"

namespace zoo::serve {

struct OipRequest {
  InferRequest infer;
  std::optional<std::string> id;
  OipParameters parameters;        ///< the client's own, for the answer
  std::vector<OipOutput> outputs;  ///< as asked for; empty: all
  bool binary_outputs = false;     ///< of outputs that do not say
  /// From the request to the begin of its work; empty: the server's own.
  std::optional<std::chrono::microseconds> timeout;
};

/// `json_bytes`: of Inference-Header-Content-Length, if it is there. What is wrong with inputs and outputs is
/// collected. Holds no more memory than a few times the body. Throws Error, or InferError. Thread-safe.
OipRequest read_oip_request(std::string_view body, std::optional<size_t> json_bytes, const ServedModelInfo& model);

/// Of the header's text; nothing where there is none. Throws Error where it is no number.
std::optional<size_t> json_bytes_of(std::string_view header);

}  // namespace zoo::serve
