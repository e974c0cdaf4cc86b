// One open page of the view: its end of the WebSocket `/ws`.
//
// The server sends
//   text    view_json(), some times a second; the next only after `{"ack":"state"}`
//   binary  a picture: 4 bytes, least significant first, the size of what follows them: a JSON object
//           {"stream":"door","frame":17,"epoch":0,"width":480,"height":270,"model":1,"age_ms":41.5}; then the JPEG.
//           `age_ms`: since the frame was captured, when its picture was sent
// and the client
//   {"look":[["door",480],["yard",320]]}  what it shows, and how wide, in pixels: replaces what it said before
//   {"ack":"picture","stream":"door"}     it has shown the stream's last picture and takes the next
//   {"ack":"state"}
// So a client gets what it can take, always the newest: nothing queues for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "serve/http/websocket.h"
#include "serve/view/view_hub.h"

namespace zoo::serve {

/// Belongs to the server's thread.
class ViewSession : public WebSocketHandler, public Watcher, public std::enable_shared_from_this<ViewSession> {
 public:
  ViewSession(std::shared_ptr<ViewHub> hub, std::shared_ptr<WebSocket> socket)
      : hub_(std::move(hub)), socket_(std::move(socket)) {}

  void on_text(std::string_view text) override;
  void on_tick() override;
  void on_frames() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Look {
    int width = 0;
    bool painting = false;
    bool unacknowledged = false;
    uint64_t sent = 0;  ///< number of the last picture's frame
    Clock::time_point sent_at = {};
  };

  void look_at(std::map<std::string, int> widths);
  void want_next(const std::string& name, Look& look);
  void send_picture(const std::string& name, const std::shared_ptr<const Tile>& tile);

  const std::shared_ptr<ViewHub> hub_;
  const std::shared_ptr<WebSocket> socket_;
  std::map<std::string, Look> looks_;
  std::string sent_state_;
  Clock::time_point state_sent_at_ = {};
  bool state_unacknowledged_ = false;
};

}  // namespace zoo::serve
