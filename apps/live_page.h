// `live --listen`: the streams as a page, and for programs that ask.
#pragma once

#include <memory>
#include <string>

#include "serve/http/http_server.h"
#include "serve/view/live_view.h"
#include "serve/view/newest_frames.h"
#include "serve/view/view_source.h"

namespace zoo::apps {

struct LivePageOptions {
  std::string listen;  ///< HOST:PORT
  std::string token;
  streams::StreamDefaults defaults;  ///< of streams that are added over the network
};

/// Answers as long as it lives.
class LivePage {
 public:
  /// Throws UsageError: no address, a token is missing; IoError: the address cannot be had.
  LivePage(const LivePageOptions& options, std::shared_ptr<serve::NewestFrames> frames, serve::ViewSource source);

  /// "http://127.0.0.1:8080", with the port that was chosen.
  std::string url() const { return server_->url(); }

 private:
  std::unique_ptr<serve::HttpServer> server_;
  serve::LiveView view_;
};

}  // namespace zoo::apps
