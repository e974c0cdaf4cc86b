#include "serve/inference/deepstack_route.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/parse_number.h"
#include "nn/core/shown_text.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/json_response.h"
#include "serve/inference/model_lookup.h"
#include "serve/inference/multipart.h"
#include "serve/inference/picture_answer.h"
#include "serve/inference/route_call.h"

namespace zoo::serve {
namespace {

using Json = nlohmann::ordered_json;

/// Of a form whose client shows its token nowhere else.
constexpr size_t kMaxBodyWithoutToken = size_t{4} << 20;
/// What torchvision calls COCO's classes that there are none of: no client knows it.
constexpr const char* kNoLabel = "N/A";

HttpResponse deepstack_failure(const InferFailure& failure) {
  HttpResponse response = failure_response(failure);
  response.body = compact_json({{"success", false}, {"error", failure.message}}) + "\n";
  return response;
}

/// What the form asks for; `min_confidence` is known once it has been read.
struct DetectionCall {
  std::string body;
  std::string boundary;
  ContentCoding coding = ContentCoding::kIdentity;
  size_t max_predictions = std::numeric_limits<size_t>::max();
  float min_confidence = kMinConfidence;
};

InferRequest decode(DetectionCall& call, const ServedModelInfo& model, size_t max_body) {
  if (!is_detector(model)) throw_infer_error(400, fmt::format("the model \"{}\" does not detect", model.name));
  if (call.coding != ContentCoding::kIdentity) call.body = inflated(call.body, max_body);
  std::optional<std::string> picture;
  for (const FormPart& part : form_parts(call.body, call.boundary)) {
    if (part.name == "image") {
      if (picture) throw_infer_error(400, "the form has two parts named \"image\"; one picture at a time");
      picture = part.body;
    } else if (part.name == "min_confidence") {
      const std::optional<float> least = parse_number_in<float>(part.body, 0.0F, 1.0F);
      if (!least) {
        throw_infer_error(400,
                          fmt::format("min_confidence: \"{}\" is no number from 0 to 1", shortened(part.body, 40)));
      }
      call.min_confidence = *least;
    }
  }
  if (!picture) throw_infer_error(400, "the form has no part named \"image\", the picture");
  call.body = {};
  return picture_request(std::move(*picture), model);
}

HttpResponse encode(const DetectionCall& call, InferReply reply) {
  Json predictions = Json::array();
  const PictureAnswer answer = picture_answer(std::move(reply));
  if (!answer.boxes) throw_infer_error(500, "the model's reply has no boxes");
  for (const AnsweredBox& box : *answer.boxes) {
    if (box.what.score < call.min_confidence || predictions.size() == call.max_predictions) break;
    if (box.what.label == kNoLabel) continue;
    predictions.push_back({{"label", box.what.label},
                           {"confidence", in_millionths(box.what.score)},
                           {"x_min", std::lround(box.left)},
                           {"y_min", std::lround(box.top)},
                           {"x_max", std::lround(box.right)},
                           {"y_max", std::lround(box.bottom)}});
  }
  return json_response({{"success", true}, {"predictions", std::move(predictions)}});
}

/// The only detector there is.
std::string only_detector(const InferenceService& service) {
  std::vector<std::string> names;
  for (const RepositoryEntry& entry : service.index()) {
    const std::shared_ptr<const ServedModelInfo> model = service.model(entry.name);
    if (model && is_detector(*model)) names.push_back(entry.name);
  }
  if (names.empty()) throw_infer_error(404, "no model that is served detects");
  if (names.size() > 1) {
    throw_infer_error(404, fmt::format("there are several detectors; ask one of /v1/vision/custom/{}",
                                       fmt::join(names, ", /v1/vision/custom/")));
  }
  return names.front();
}

/// The token stands in the head, or in the form as "api_key", where Frigate writes it.
void check_token(const HttpServer& server, const HttpRequest& request, const DetectionCall& call) {
  if (server.has_token(request)) return;
  if (call.coding == ContentCoding::kIdentity) {
    for (const FormPart& part : form_parts(request.body, call.boundary)) {
      if (part.name == "api_key" && server.is_token(part.body)) return;
    }
  }
  throw_infer_error(401,
                    "a token is asked for: as the form's field \"api_key\", as ?token=TOKEN, or as \"Authorization: "
                    "Bearer TOKEN\"; it is what the server was started with (--token)");
}

class DetectionRoute {
 public:
  DetectionRoute(const HttpServer& server, InferenceService& service, std::string detector, size_t max_body)
      : server_(server), service_(service), detector_(std::move(detector)), max_body_(max_body) {}

  void operator()(HttpRequest& request, const Responder& responder) const {
    auto asked = std::make_shared<DetectionCall>();
    std::optional<std::string> boundary = form_boundary(request.header("content-type"));
    if (!boundary) {
      if (!server_.has_token(request)) throw_infer_error(401, "a token is asked for, and a form with a picture");
      throw_infer_error(415, "a form with a picture is expected, e.g. curl -F image=@FILE");
    }
    asked->boundary = std::move(*boundary);
    asked->coding = content_coding_of(request.header("content-encoding"));
    check_token(server_, request, *asked);
    if (const std::optional<std::string> most = request.query_value("max")) {
      const std::optional<size_t> count = parse_number<size_t>(*most);
      if (!count) throw_infer_error(400, fmt::format("max: \"{}\" is no number of boxes", shortened(*most, 40)));
      asked->max_predictions = *count;
    }
    InferCall call;
    const auto name = request.parameters.find("name");
    call.model = name != request.parameters.end() ? name->second
                 : detector_.empty()              ? only_detector(service_)
                                                  : detector_;
    check_model_name(service_, call.model);
    call.bytes = request.body.size();
    asked->body = std::move(request.body);
    call.decode = [asked, max_body = max_body_](const ServedModelInfo& model) {
      return decode(*asked, model, max_body);
    };
    call.encode = [asked](const ServedModelInfo&, InferReply reply) { return encode(*asked, std::move(reply)); };
    call.fail = deepstack_failure;
    service_.submit(std::move(call), responder);
  }

 private:
  const HttpServer& server_;
  InferenceService& service_;
  const std::string detector_;
  const size_t max_body_;
};

}  // namespace

void add_deepstack_routes(HttpServer& server, InferenceService& service, const std::string& detector, size_t max_body) {
  const HttpHandler handler = answering(DetectionRoute(server, service, detector, max_body), deepstack_failure);
  for (const char* pattern : {"/v1/vision/detection", "/v1/vision/custom/{name}"}) {
    server.route("POST", pattern, {.max_body = max_body, .max_body_without_token = kMaxBodyWithoutToken}, handler);
  }
}

}  // namespace zoo::serve
