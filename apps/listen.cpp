#include "apps/listen.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "apps/commands.h"

namespace zoo::apps {

void check_listen(const std::string& listen) {
  try {
    serve::listen_address_from(listen);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

std::unique_ptr<serve::HttpServer> new_server(const std::string& listen, const std::string& token) {
  check_listen(listen);
  serve::HttpServerOptions options;
  options.listen = serve::listen_address_from(listen);
  options.token = token;
  if (spdlog::should_log(spdlog::level::info)) {
    options.on_access = [](const std::string& line) { spdlog::info(line); };
  }
  try {
    return std::make_unique<serve::HttpServer>(std::move(options));
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace zoo::apps
