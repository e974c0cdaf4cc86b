#include "apps/live_page.h"

#include <utility>

#include "apps/listen.h"

namespace zoo::apps {

LivePage::LivePage(const LivePageOptions& options, std::shared_ptr<serve::NewestFrames> frames,
                   serve::ViewSource source)
    : server_(new_server(options.listen, options.token)),
      view_(*server_, std::move(frames), std::move(source), {.defaults = options.defaults}) {
  server_->start();
}

}  // namespace zoo::apps
