#include "apps/live_page.h"

#include <utility>

#include "apps/output.h"

namespace zoo::apps {
namespace {

serve::HttpServerOptions server_options(const LivePageOptions& options) {
  serve::HttpServerOptions server;
  server.listen = serve::listen_address_from(options.listen);
  server.token = options.token;
  if (options.logs_access) server.on_access = [](const std::string& line) { report(line); };
  return server;
}

}  // namespace

LivePage::LivePage(const LivePageOptions& options, std::shared_ptr<serve::NewestFrames> frames,
                   serve::ViewSource source)
    : server_(server_options(options)),
      view_(server_, std::move(frames), std::move(source), {.defaults = options.defaults}) {
  server_.start();
}

}  // namespace zoo::apps
