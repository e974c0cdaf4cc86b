// A live view of streams that do what a test says.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/http/http_server.h"
#include "serve/view/live_view.h"
#include "serve/view/newest_frames.h"
#include "streams/account.h"

namespace zoo::test {

/// A stream that runs, has answered and dropped frames; counts differ from stream to stream and add up.
streams::StreamSnapshot running_stream(size_t number, const std::string& name);

/// A picture of a room with something in it that moves with `index`, and a detection of it.
pipeline::ProcessedFrame answered_frame(size_t stream, int64_t index, cv::Size size = {640, 360});

/// Serves on any free port of the loopback.
class FakeView {
 public:
  explicit FakeView(std::vector<streams::StreamSnapshot> streams, serve::HttpServerOptions options = {});
  FakeView(const FakeView&) = delete;
  FakeView& operator=(const FakeView&) = delete;

  int port() const { return server_.address().port; }
  std::string url() const { return server_.url(); }
  serve::NewestFrames& frames() { return *frames_; }
  /// Changes what the view is told; `change` is called under a lock.
  void change(const std::function<void(std::vector<streams::StreamSnapshot>&, serve::ModelState&)>& change);
  std::vector<streams::StreamSnapshot> streams() const;
  void set_sinks(std::vector<streams::SinkSnapshot> sinks);
  int reloads() const;
  void stop() { server_.stop(); }

 private:
  serve::ViewSource source();

  mutable std::mutex mutex_;
  std::vector<streams::StreamSnapshot> streams_;
  std::vector<streams::SinkSnapshot> sinks_;
  serve::ModelState model_{.name = "mobilenetv4_conv_small", .version = 3, .swaps = 2};
  int reloads_ = 0;
  const std::shared_ptr<serve::NewestFrames> frames_ = std::make_shared<serve::NewestFrames>();
  serve::HttpServer server_;
  serve::LiveView view_;
};

}  // namespace zoo::test
