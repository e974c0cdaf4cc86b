// The live view: one page with all streams, and the same for programs.
//
//   GET    /                     the page (also /page.css, /page.js)
//   GET    /ws                   its WebSocket, see view_session.h
//   GET    /api/streams          view_json.h
//   POST   /api/streams          adds a stream, see stream_from_json: 201, 400, 409, 429 (there are as many as may be)
//   DELETE /api/streams/NAME     removes one: 204, 404
//   POST   /api/reload           looks at the model's files now: 202
//   GET    /streams/NAME.jpg     the newest picture, ?width=N pixels, with X-Frame-Age, the seconds since it was
//   captured:
//                                404, 503 before the first, and, unless ?stale=1, where the stream is lost and the
//                                picture older than its stall timeout
//   GET    /streams/NAME.mjpeg   one after the other, ?width=N
//   GET    /healthz              200 while the program runs
//   GET    /metrics              metrics_text.h
#pragma once

#include <memory>

#include "serve/http/http_server.h"
#include "serve/view/newest_frames.h"
#include "serve/view/view_source.h"
#include "streams/named_source.h"

namespace zoo::serve {

struct LiveViewOptions {
  /// What holds for a stream that is added and says nothing else.
  streams::StreamDefaults defaults;
};

/// Pictures are drawn and encoded only while somebody looks, at the size that is looked at.
class LiveView {
 public:
  /// Adds its routes; the server is started afterwards. `frames`: what a ViewSink of the streams fills.
  LiveView(HttpServer& server, std::shared_ptr<NewestFrames> frames, ViewSource source,
           const LiveViewOptions& options = {});
  /// Stops the server first.
  ~LiveView();
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zoo::serve
