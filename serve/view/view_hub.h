// What all clients of the view share; everything but wake() belongs to the server's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "serve/http/http_server.h"
#include "serve/view/newest_frames.h"
#include "serve/view/tile_painter.h"
#include "serve/view/view_source.h"

namespace zoo::serve {

/// Somebody who may want a picture once there is a new frame.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_frames() = 0;
};

class ViewHub : public std::enable_shared_from_this<ViewHub> {
 public:
  ViewHub(HttpServer& server, std::shared_ptr<NewestFrames> frames, ViewSource source);
  ~ViewHub();
  ViewHub(const ViewHub&) = delete;
  ViewHub& operator=(const ViewHub&) = delete;

  /// Until it is gone.
  void add(const std::shared_ptr<Watcher>& watcher);
  /// There is a new frame. Thread-safe.
  void wake();

  /// Of a stream's name.
  std::optional<size_t> stream_of(const std::string& name);
  uint64_t newest(size_t stream) const { return frames_->number(stream); }
  /// `done` is called by the server's thread, with null where there is no picture.
  void paint(size_t stream, int width, std::function<void(const std::shared_ptr<const Tile>&)> done);

  /// What is known of the streams is asked for again.
  void forget_state() { refreshed_at_ = {}; }
  /// view_json(), not older than a quarter of a second.
  const std::string& state();
  const ViewSource& source() const { return source_; }
  int64_t pictures() const { return painter_.painted(); }
  size_t watchers();

 private:
  void refresh();

  HttpServer& server_;
  const std::shared_ptr<NewestFrames> frames_;
  const ViewSource source_;
  std::vector<std::weak_ptr<Watcher>> watchers_;
  std::atomic<bool> watched_ = false;
  std::atomic<bool> woken_ = false;
  std::map<std::string, size_t> numbers_;
  std::string state_;
  std::chrono::steady_clock::time_point refreshed_at_ = {};
  TilePainter painter_;
};

/// The width at which a picture of so many pixels is drawn: one of few, so that clients share pictures.
int shared_width(int width);

}  // namespace zoo::serve
