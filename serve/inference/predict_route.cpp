#include "serve/inference/predict_route.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/shown_text.h"
#include "serve/inference/base64.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/json_response.h"
#include "serve/inference/model_lookup.h"
#include "serve/inference/multipart.h"
#include "serve/inference/picture_answer.h"
#include "serve/inference/route_call.h"

namespace zoo::serve {
namespace {

using Json = nlohmann::ordered_json;

Json label_json(const AnsweredLabel& label) {
  return {{"index", label.index}, {"label", label.label}, {"score", in_millionths(label.score)}};
}

Json box_json(const AnsweredBox& box) {
  Json line = label_json(box.what);
  line["box"] = {in_millionths(box.left), in_millionths(box.top), in_millionths(box.right), in_millionths(box.bottom)};
  return line;
}

/// The kinds that a client takes, without their weights; whichever comes first is liked most.
bool wants_png(std::string_view accept) {
  const size_t png = std::min(accept.find("image/png"), accept.find("image/*"));
  return png != std::string_view::npos && png < accept.find("application/json");
}

HttpResponse answer_json(const std::string& model, int64_t version, PictureAnswer answer,
                         const std::vector<std::string>& labels) {
  Json body = {{"model", model}, {"version", std::to_string(version)}};
  if (answer.labels) {
    body["top"] = Json::array();
    for (const AnsweredLabel& label : *answer.labels) body["top"].push_back(label_json(label));
  }
  if (answer.known) body["known"] = *answer.known;
  if (answer.boxes) {
    body["boxes"] = Json::array();
    for (const AnsweredBox& box : *answer.boxes) body["boxes"].push_back(box_json(box));
  }
  if (answer.mask) {
    body["mask"] = base64_from(*answer.mask);
    body["labels"] = labels;
  }
  return json_response(body);
}

void predict(InferenceService& service, HttpRequest& request, const Responder& responder, size_t max_body) {
  for (const auto& [key, value] : request.query) {
    if (key == "token") continue;
    throw_infer_error(400, fmt::format("?{}: nothing is asked for in this address; how much an answer holds is said "
                                       "when the server is started: --topk, --score-thresh",
                                       shortened(key, 40)));
  }
  check_model_name(service, request.parameters.at("name"));
  const std::string_view content_type = request.header("content-type");
  if (form_boundary(content_type) || content_type.starts_with("application/json")) {
    throw_infer_error(415, "the body is the picture itself, e.g. curl --data-binary @FILE; no form, no JSON");
  }
  if (request.body.empty()) throw_infer_error(400, "the body is empty; a picture is expected");
  const ContentCoding coding = content_coding_of(request.header("content-encoding"));
  const bool png = wants_png(request.header("accept"));
  InferCall call;
  call.model = request.parameters.at("name");
  call.bytes = request.body.size();
  call.decode = [body = std::make_shared<std::string>(std::move(request.body)), coding,
                 max_body](const ServedModelInfo& model) {
    return picture_request(coding == ContentCoding::kIdentity ? std::move(*body) : inflated(*body, max_body), model);
  };
  call.encode = [png](const ServedModelInfo& info, InferReply reply) {
    const std::string model = reply.model;
    const int64_t version = reply.version;
    PictureAnswer answer = picture_answer(std::move(reply));
    if (png && answer.mask) return HttpResponse{.content_type = "image/png", .body = std::move(*answer.mask)};
    return answer_json(model, version, std::move(answer), info.labels);
  };
  service.submit(std::move(call), responder);
}

}  // namespace

void add_predict_route(HttpServer& server, InferenceService& service, size_t max_body) {
  server.route("POST", "/predict/{name}", {.max_body = max_body},
               answering([&service, max_body](HttpRequest& request, const Responder& responder) {
                 predict(service, request, responder, max_body);
               }));
}

}  // namespace zoo::serve
