#include "apps/serve_session.h"

#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/listen.h"
#include "apps/output.h"
#include "apps/signals.h"
#include "serve/metrics/prometheus_text.h"
#include "sinks/text_output.h"

namespace zoo::apps {
namespace {

constexpr std::chrono::milliseconds kLook{40};
/// As Kubernetes waits by default, less what closing takes.
constexpr std::chrono::seconds kDrain{25};
constexpr std::chrono::seconds kPatienceAtEnd{2};

}  // namespace

ServeSession::ServeSession(std::vector<serve::ModelSpec> models, ServeSessionOptions options)
    : options_(std::move(options)),
      service_(std::make_unique<serve::ModelService>(std::move(models), options_.service)),
      server_(new_server(options_.listen, options_.token, options_.routes.max_body)) {
  serve::add_infer_routes(*server_, *service_, options_.routes);
  add_metrics();
}

ServeSession::~ServeSession() {
  service_->close();
  server_->stop();
  serve::ModelService::end(std::move(service_), kPatienceAtEnd);
}

void ServeSession::add_metrics() {
  server_->route("GET", "/metrics", {}, [this](const serve::HttpRequest&, const serve::Responder& responder) {
    std::vector<serve::MetricFamily> families = service_->metrics();
    families.push_back({.name = "zoo_http_connections",
                        .help = "Open connections.",
                        .metrics = {{{}, static_cast<double>(server_->connections())}}});
    responder.answer({.content_type = serve::kMetricsType,
                      .body = serve::prometheus_text(families),
                      .headers = {{"Cache-Control", "no-store"}}});
  });
}

int ServeSession::run() {
  catch_stop_signals();
  catch_reload_signal();
  server_->start();
  service_->load_all();
  announce();
  while (!stop_requested()) {
    if (take_reload_request()) service_->reload_all();
    std::this_thread::sleep_for(kLook);
  }
  return finish();
}

void ServeSession::announce() const {
  nlohmann::ordered_json models = nlohmann::ordered_json::array();
  for (const serve::RepositoryEntry& entry : service_->index()) {
    const auto info = service_->model(entry.name);
    if (!info) continue;
    const models::ModelConfig& config = info->model->config();
    models.push_back({{"name", entry.name},
                      {"task", models::task_name(config)},
                      {"file", config.file.string()},
                      {"version", info->version}});
    report(fmt::format("{} ({}, {}): {}/v2/models/{}", entry.name, models::task_name(config), config.name,
                       server_->url(), entry.name));
  }
  report(fmt::format("ready at {} with {} {}", server_->url(), options_.service.workers,
                     options_.service.workers == 1 ? "worker" : "workers"));
  if (!options_.json) return;
  const nlohmann::ordered_json line = {{"kind", "ready"}, {"url", server_->url()}, {"models", std::move(models)}};
  sinks::TextOutput().line(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

int ServeSession::finish() {
  if (!service_->drain(kDrain)) {
    report(fmt::format("some requests were not answered within {} s and get 503", kDrain.count()));
  }
  return kExitSignalBase + stop_signal();
}

}  // namespace zoo::apps
