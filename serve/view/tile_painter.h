// Pictures of streams as JPEG, drawn only when somebody asks.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "serve/view/newest_frames.h"

namespace zoo::serve {

struct Tile {
  std::string jpeg;
  int width = 0;  ///< in pixels
  int height = 0;
  uint64_t number = 0;  ///< of AnsweredFrame
  int64_t frame = 0;    ///< as of Frame
  int64_t epoch = 0;
  int64_t model_version = 1;
  std::chrono::steady_clock::time_point captured_at = {};
};

/// A frame at a width (0: its own) with its result drawn on; never wider than the frame is.
Tile draw_tile(const AnsweredFrame& frame, int width);

/// One thread that draws, at a lower priority than whatever answers frames. Who asks for the same gets the same.
class TilePainter {
 public:
  /// Null: the stream has no frame yet. Called by the painter's thread; the last ones by the destructor, with null.
  using Done = std::function<void(std::shared_ptr<const Tile>)>;

  explicit TilePainter(std::shared_ptr<const NewestFrames> frames);
  ~TilePainter();
  TilePainter(const TilePainter&) = delete;
  TilePainter& operator=(const TilePainter&) = delete;

  /// Draws the frame that is the newest when its turn comes. Thread-safe, as all below.
  void paint(size_t stream, int width, Done done);
  /// How many pictures were drawn so far.
  int64_t painted() const { return painted_; }

 private:
  using Key = std::pair<size_t, int>;  ///< stream, width

  void run();
  std::shared_ptr<const Tile> tile_of(const Key& key);

  const std::shared_ptr<const NewestFrames> frames_;
  std::atomic<int64_t> painted_ = 0;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Key> turns_;                             ///< guarded by mutex_
  std::map<Key, std::vector<Done>> waiting_;          ///< guarded by mutex_
  bool ending_ = false;                               ///< guarded by mutex_
  std::map<Key, std::shared_ptr<const Tile>> drawn_;  ///< of the painter's thread
  std::jthread thread_;
};

}  // namespace zoo::serve
