// One run of `serve`.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "serve/http/http_server.h"
#include "serve/inference/infer_routes.h"
#include "serve/inference/model_service.h"

namespace zoo::apps {

struct ServeSessionOptions {
  std::string listen;  ///< HOST:PORT
  std::string token;   ///< see new_server
  bool json = false;   ///< one line on standard output once it is ready
  serve::ModelServiceOptions service;
  serve::InferRouteOptions routes;
};

class ServeSession {
 public:
  /// Listens, but answers nobody yet. Throws as new_server.
  ServeSession(std::vector<serve::ModelSpec> models, ServeSessionOptions options);
  /// Until a signal ends it: the exit code. Throws as ModelService::load_all.
  int run();
  ~ServeSession();
  ServeSession(const ServeSession&) = delete;
  ServeSession& operator=(const ServeSession&) = delete;

 private:
  void add_metrics();
  void announce() const;
  int finish();

  const ServeSessionOptions options_;
  std::unique_ptr<serve::ModelService> service_;
  std::unique_ptr<serve::HttpServer> server_;  ///< its handlers hold the service
};

}  // namespace zoo::apps
