// Arbitrary bytes as the body of a request: it is read, or an Error says why not; what is read has as many elements as
// its shape says, holds no more than a few times the body, and can be answered.
//
// The first byte chooses what reads the rest; of requests, the next two say where the JSON ends.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <variant>

#include "nn/core/error.h"
#include "serve/inference/base64.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/multipart.h"
#include "serve/inference/oip_request.h"
#include "serve/inference/oip_response.h"
#include "serve/inference/oip_tensor.h"

namespace {

using zoo::serve::Datatype;

constexpr size_t kMaxInflated = 1 << 20;

void check(bool holds) {
  if (!holds) std::abort();
}

const zoo::serve::ServedModelInfo& model() {
  static const zoo::serve::ServedModelInfo kModel = {
      .name = "m",
      .inputs = {{"images", Datatype::kBytes, {-1}},
                 {"pixels", Datatype::kUint8, {-1, -1, -1, 3}},
                 {"input", Datatype::kFp32, {-1, 3, -1, -1}}},
      .outputs = {{"logits", Datatype::kFp32, {-1, 3}}, {"labels", Datatype::kBytes, {-1, -1}}},
      .labels = {"a", "b", "c"},
      .model = nullptr};
  return kModel;
}

void read_request(std::string_view body, std::optional<size_t> json_bytes) {
  const zoo::serve::OipRequest request = zoo::serve::read_oip_request(body, json_bytes, model());
  const zoo::serve::NamedTensor& input = request.infer.input;
  const std::optional<int64_t> count = zoo::serve::element_count(input.shape);
  const size_t size = std::visit([](const auto& data) { return data.size(); }, input.data);
  check(count && *count > 0 && static_cast<size_t>(*count) == size && size <= body.size());
  zoo::serve::InferReply reply{.model = "m"};
  const std::vector<std::string> wanted = request.infer.outputs;
  for (const std::string& name : wanted) {
    if (name == "logits") {
      reply.outputs.push_back({name, Datatype::kFp32, {1, 3}, std::vector<float>{1, 2, 3}});
    } else {
      reply.outputs.push_back({name, Datatype::kBytes, {1, 1}, std::vector<std::string>{"a"}});
    }
  }
  check(!zoo::serve::write_oip_response(request, model(), reply).body.empty());
}

void read_form(std::string_view body) {
  for (const zoo::serve::FormPart& part : zoo::serve::form_parts(body, "b")) {
    check(part.body.size() < body.size() && part.body.find("\r\n--b") == std::string_view::npos);
  }
}

void read_base64(std::string_view text) {
  const std::optional<std::string> bytes = zoo::serve::bytes_from_base64(text);
  if (bytes) check(zoo::serve::bytes_from_base64(zoo::serve::base64_from(*bytes)) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  constexpr size_t kHead = 3;
  if (size < kHead) return 0;
  uint16_t json_bytes = 0;
  std::memcpy(&json_bytes, bytes + 1, sizeof json_bytes);
  const std::string_view body(reinterpret_cast<const char*>(bytes) + kHead, size - kHead);
  try {
    switch (bytes[0] % 8) {
      case 0:
        read_form(body);
        break;
      case 1:
        read_base64(body);
        break;
      case 2:
        check(zoo::serve::inflated(body, kMaxInflated).size() <= kMaxInflated);
        break;
      case 3:
        zoo::serve::form_boundary(body);
        break;
      case 4:
      case 5:
        read_request(body, json_bytes);
        break;
      default:
        read_request(body, std::nullopt);
        break;
    }
  } catch (const zoo::Error&) {
  }
  return 0;
}
