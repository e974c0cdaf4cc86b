// A stream's pictures one after the other, for programs that know MJPEG over HTTP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/http_message.h"
#include "serve/view/view_hub.h"

namespace zoo::serve {

/// The next picture is drawn once the client has taken the last: it gets the newest, as fast as it can take them. Ends
/// with its stream. Belongs to the server's thread.
class MjpegStream : public BodyStream, public Watcher, public std::enable_shared_from_this<MjpegStream> {
 public:
  MjpegStream(std::shared_ptr<ViewHub> hub, std::string name, int width)
      : hub_(std::move(hub)), name_(std::move(name)), width_(width) {}

  std::optional<std::string_view> read(size_t max) override;
  void on_more(std::function<void()> wake) override { wake_ = std::move(wake); }
  void on_frames() override;

  static constexpr const char* kType = "multipart/x-mixed-replace; boundary=zoo-frame";

 private:
  void take(const std::shared_ptr<const Tile>& tile);

  const std::shared_ptr<ViewHub> hub_;
  const std::string name_;
  const int width_;
  std::function<void()> wake_;
  std::string part_;
  size_t offset_ = 0;
  bool painting_ = false;
  uint64_t sent_ = 0;
};

}  // namespace zoo::serve
