#include "serve/inference/oip_response.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "serve/inference/base64.h"
#include "serve/inference/classification.h"
#include "serve/inference/inference_service.h"
#include "serve/inference/json_response.h"
#include "serve/inference/tensor_names.h"

namespace zoo::serve {
namespace {

std::string_view bytes_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_binary(std::string& dst, const TensorData& data) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&data)) {
    for (const std::string& text : *texts) {
      const auto length = static_cast<uint32_t>(text.size());
      dst += bytes_of(std::as_bytes(std::span(&length, 1)));
      dst += text;
    }
  } else if (const auto* numbers = std::get_if<std::vector<float>>(&data)) {
    dst += bytes_of(std::as_bytes(std::span(*numbers)));
  } else if (const auto* whole = std::get_if<std::vector<int64_t>>(&data)) {
    dst += bytes_of(std::as_bytes(std::span(*whole)));
  } else {
    dst += bytes_of(std::as_bytes(std::span(std::get<std::vector<uint8_t>>(data))));
  }
}

void append_number(std::string& dst, float number) {
  // A reader may take "-0" for a whole number, which has no sign.
  if (number == 0 && std::signbit(number)) {
    dst += "-0.0";
  } else {
    fmt::format_to(std::back_inserter(dst), "{}", number);
  }
}

void append_json(std::string& dst, const NamedTensor& tensor) {
  auto separate = [&, first = true]() mutable {
    if (!std::exchange(first, false)) dst += ',';
  };
  if (const auto* texts = std::get_if<std::vector<std::string>>(&tensor.data)) {
    for (const std::string& text : *texts) {
      separate();
      dst += holds_files(tensor.name) ? '"' + base64_from(text) + '"' : json_text(text);
    }
  } else if (const auto* numbers = std::get_if<std::vector<float>>(&tensor.data)) {
    for (const float number : *numbers) {
      separate();
      if (!std::isfinite(number)) {
        throw InferError({.message = fmt::format("output \"{}\" has values that JSON has not ({}); as binary data, "
                                                 "\"binary_data\": true, they come as they are",
                                                 tensor.name, number)});
      }
      append_number(dst, number);
    }
  } else if (const auto* whole = std::get_if<std::vector<int64_t>>(&tensor.data)) {
    for (const int64_t number : *whole) {
      separate();
      fmt::format_to(std::back_inserter(dst), "{}", number);
    }
  } else {
    for (const uint8_t number : std::get<std::vector<uint8_t>>(tensor.data)) {
      separate();
      dst += tensor.datatype == Datatype::kBool ? (number != 0 ? "true" : "false") : std::to_string(number);
    }
  }
}

std::string parameters_text(const OipParameters& parameters) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : parameters) {
    std::visit([&, &key = name](const auto& given) { object[key] = given; }, value);
  }
  return compact_json(object);
}

const OipOutput* asked_for(const OipRequest& request, std::string_view name) {
  const auto found = std::ranges::find(request.outputs, name, &OipOutput::name);
  return found == request.outputs.end() ? nullptr : &*found;
}

}  // namespace

HttpResponse write_oip_response(const OipRequest& request, const ServedModelInfo& model, InferReply reply) {
  std::string json = fmt::format(R"({{"model_name":{},"model_version":"{}")", json_text(reply.model), reply.version);
  if (request.id) json += ",\"id\":" + json_text(*request.id);
  if (!request.parameters.empty()) json += ",\"parameters\":" + parameters_text(request.parameters);
  json += ",\"outputs\":[";
  std::string binary;
  bool has_binary = false;
  for (NamedTensor& output : reply.outputs) {
    const OipOutput* asked = asked_for(request, output.name);
    if (asked != nullptr && asked->classes > 0) output = classification_of(output, asked->classes, model.labels);
    if (&output != &reply.outputs.front()) json += ',';
    json += fmt::format(R"({{"name":{},"datatype":"{}","shape":[{}],)", json_text(output.name),
                        to_string(output.datatype), fmt::join(output.shape, ","));
    if (asked != nullptr ? asked->binary.value_or(request.binary_outputs) : request.binary_outputs) {
      has_binary = true;
      const size_t before = binary.size();
      append_binary(binary, output.data);
      json += fmt::format(R"("parameters":{{"binary_data_size":{}}}}})", binary.size() - before);
    } else {
      if (holds_files(output.name)) json += R"("parameters":{"content_type":"base64"},)";
      json += "\"data\":[";
      append_json(json, output);
      json += "]}";
    }
  }
  json += "]}";
  HttpResponse response;
  if (has_binary) {
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("Inference-Header-Content-Length", std::to_string(json.size()));
  }
  response.body = std::move(json) + binary;
  return response;
}

}  // namespace zoo::serve
