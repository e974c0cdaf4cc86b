#include "serve/inference/infer_routes.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "nn/core/json_nesting.h"
#include "serve/inference/content_coding.h"
#include "serve/inference/deepstack_route.h"
#include "serve/inference/json_response.h"
#include "serve/inference/model_json.h"
#include "serve/inference/model_lookup.h"
#include "serve/inference/oip_request.h"
#include "serve/inference/oip_response.h"
#include "serve/inference/predict_route.h"
#include "serve/inference/route_call.h"

namespace zoo::serve {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using ModelInfo = std::shared_ptr<const ServedModelInfo>;

constexpr size_t kMaxControlBody = 65'536;  // of what is no picture and no tensor

/// The JSON object of a small body; an empty one is an empty object.
Json control_of(const HttpRequest& request) {
  std::string inflated_body;
  const bool plain = content_coding_of(request.header("content-encoding")) == ContentCoding::kIdentity;
  if (!plain) inflated_body = inflated(request.body, kMaxControlBody);
  const std::string& body = plain ? request.body : inflated_body;
  if (body.empty()) return Json::object();
  if (too_deep_json(body)) throw_infer_error(400, "the body is nested too deep");
  Json object = Json::parse(body, nullptr, false);
  if (!object.is_object()) throw_infer_error(400, "the body is no JSON object");
  return object;
}

bool truth(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) throw_infer_error(400, fmt::format("{}: true or false is expected", key));
  return found->get<bool>();
}

/// What an infer request holds until it is answered.
struct OipCall {
  std::string body;
  std::optional<size_t> json_bytes;
  ContentCoding coding = ContentCoding::kIdentity;
  Clock::time_point came_at = Clock::now();
  OipRequest request;
};

InferRequest decode(OipCall& call, const ServedModelInfo& model, size_t max_body) {
  if (call.coding != ContentCoding::kIdentity) call.body = inflated(call.body, max_body);
  call.request = read_oip_request(call.body, call.json_bytes, model);
  call.body = {};
  // Both in microseconds: a client's timeout may be more than nanoseconds can count.
  const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - call.came_at);
  if (call.request.timeout && waited > *call.request.timeout) {
    throw_infer_error(504, fmt::format("the request's timeout of {} us was over before its work began",
                                       call.request.timeout->count()));
  }
  return std::move(call.request.infer);
}

class OipRoutes {
 public:
  OipRoutes(HttpServer& server, InferenceService& service, const InferRouteOptions& options)
      : server_(server), service_(service), options_(options) {}

  void add_health() const;
  void add_models() const;
  void add_statistics() const;
  void add_infer() const;
  void add_repository() const;

 private:
  /// For NAME and NAME/versions/V.
  template <typename Handler>
  void for_models(const std::string& method, const std::string& end, const RouteOptions& options,
                  Handler handler) const {
    for (const char* begin : {"/v2/models/{name}", "/v2/models/{name}/versions/{version}"}) {
      server_.route(method, begin + end, options, answering(handler));
    }
  }

  HttpServer& server_;
  InferenceService& service_;
  const InferRouteOptions& options_;
};

void OipRoutes::add_health() const {
  const Json about = {
      {"name", "backbone-zoo"},
      {"version", options_.server_version},
      {"extensions",
       {"binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics"}}};
  server_.route("GET", "/v2", {},
                [about](const HttpRequest&, const Responder& responder) { responder.answer(json_response(about)); });
  server_.route("GET", "/v2/health/live", {.open = true}, [](const HttpRequest&, const Responder& responder) {
    responder.answer(json_response({{"live", true}}));
  });
  server_.route("GET", "/v2/health/ready", {.open = true},
                [&service = service_](const HttpRequest&, const Responder& responder) {
                  responder.answer(service.ready() ? json_response({{"live", true}, {"ready", true}})
                                                   : json_error(503, "not all models are ready"));
                });
}

void OipRoutes::add_models() const {
  for_models("GET", "", {}, [&service = service_](const HttpRequest& request, const Responder& responder) {
    responder.answer(json_response(metadata_json(*model_of(service, request))));
  });
  for_models("GET", "/ready", {}, [&service = service_](const HttpRequest& request, const Responder& responder) {
    responder.answer(json_response({{"name", model_of(service, request)->name}, {"ready", true}}));
  });
  for_models("GET", "/config", {}, [&service = service_](const HttpRequest& request, const Responder& responder) {
    responder.answer(json_response(config_json(*model_of(service, request))));
  });
}

void OipRoutes::add_statistics() const {
  server_.route("GET", "/v2/models/stats", {}, [&service = service_](const HttpRequest&, const Responder& responder) {
    responder.answer(json_response(statistics_json(service.statistics({}))));
  });
  for_models("GET", "/stats", {}, [&service = service_](const HttpRequest& request, const Responder& responder) {
    const ModelInfo model = model_of(service, request);
    std::vector<ModelStatistics> statistics = service.statistics(model->name);
    if (const std::optional<int64_t> version = version_of(request)) {
      std::erase_if(statistics, [&](const ModelStatistics& of) { return of.version != *version; });
    }
    responder.answer(json_response(statistics_json(statistics)));
  });
}

void OipRoutes::add_infer() const {
  for_models("POST", "/infer", {.max_body = options_.max_body},
             [&service = service_, max_body = options_.max_body](HttpRequest& request, const Responder& responder) {
               auto asked = std::make_shared<OipCall>();
               asked->json_bytes = json_bytes_of(request.header("inference-header-content-length"));
               asked->coding = content_coding_of(request.header("content-encoding"));
               InferCall call;
               call.model = request.parameters.at("name");
               call.version = version_of(request);
               check_model_name(service, call.model);
               call.bytes = request.body.size();
               asked->body = std::move(request.body);
               call.decode = [asked, max_body](const ServedModelInfo& model) {
                 return decode(*asked, model, max_body);
               };
               call.encode = [asked](const ServedModelInfo& model, InferReply reply) {
                 return write_oip_response(asked->request, model, std::move(reply));
               };
               service.submit(std::move(call), responder);
             });
}

void OipRoutes::add_repository() const {
  const RouteOptions small{.max_body = kMaxControlBody};
  server_.route("POST", "/v2/repository/index", small,
                answering([&service = service_](const HttpRequest& request, const Responder& responder) {
                  const bool ready_only = truth(control_of(request), "ready");
                  responder.answer(json_response(index_json(service.index(), ready_only)));
                }));
  const auto done = [](const Responder& responder) {
    return [responder](const std::optional<InferFailure>& failure) {
      responder.answer(failure ? failure_response(*failure) : HttpResponse{});
    };
  };
  server_.route("POST", "/v2/repository/models/{name}/load", small,
                answering([&service = service_, done](const HttpRequest& request, const Responder& responder) {
                  const Json control = control_of(request);
                  if (const auto given = control.find("parameters"); given != control.end() && !given->empty()) {
                    throw_infer_error(400, "a model is loaded from its own file; \"config\" and files are not taken");
                  }
                  check_model_name(service, request.parameters.at("name"));
                  service.load(request.parameters.at("name"), done(responder));
                }));
  server_.route("POST", "/v2/repository/models/{name}/unload", small,
                answering([&service = service_, done](const HttpRequest& request, const Responder& responder) {
                  control_of(request);  // "unload_dependents": models here have none
                  check_model_name(service, request.parameters.at("name"));
                  service.unload(request.parameters.at("name"), done(responder));
                }));
}

}  // namespace

void add_infer_routes(HttpServer& server, InferenceService& service, const InferRouteOptions& options) {
  const OipRoutes routes(server, service, options);
  routes.add_health();
  routes.add_statistics();  // "/v2/models/stats" before a model of that name
  routes.add_models();
  routes.add_infer();
  routes.add_repository();
  add_predict_route(server, service, options.max_body);
  add_deepstack_routes(server, service, options.detector, options.max_body);
}

}  // namespace zoo::serve
