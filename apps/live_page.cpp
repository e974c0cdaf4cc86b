#include "apps/live_page.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "apps/commands.h"

namespace zoo::apps {
namespace {

/// What the flags have wrong is not worked on.
std::unique_ptr<serve::HttpServer> new_server(serve::HttpServerOptions options) {
  try {
    return std::make_unique<serve::HttpServer>(std::move(options));
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

serve::HttpServerOptions server_options(const LivePageOptions& options) {
  serve::HttpServerOptions server;
  server.listen = serve::listen_address_from(options.listen);
  server.token = options.token;
  server.on_access = [](const std::string& line) { spdlog::info(line); };  // -v
  return server;
}

}  // namespace

LivePage::LivePage(const LivePageOptions& options, std::shared_ptr<serve::NewestFrames> frames,
                   serve::ViewSource source)
    : server_(new_server(server_options(options))),
      view_(*server_, std::move(frames), std::move(source), {.defaults = options.defaults}) {
  server_->start();
}

}  // namespace zoo::apps
