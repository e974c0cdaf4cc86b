#include "serve/view/mjpeg_stream.h"

#include <algorithm>

#include <fmt/format.h>

namespace zoo::serve {

std::optional<std::string_view> MjpegStream::read(size_t max) {
  if (offset_ == part_.size()) {
    if (!hub_->stream_of(name_)) return std::nullopt;
    on_frames();
    return std::string_view();
  }
  const std::string_view piece = std::string_view(part_).substr(offset_, max);
  offset_ += piece.size();
  return piece;
}

void MjpegStream::on_frames() {
  if (painting_ || offset_ < part_.size()) return;
  const std::optional<size_t> stream = hub_->stream_of(name_);
  if (!stream) {
    if (wake_) wake_();  // and read() ends it
    return;
  }
  if (hub_->newest(*stream) <= sent_) return;
  painting_ = true;
  hub_->paint(*stream, width_, [weak = weak_from_this()](const std::shared_ptr<const Tile>& tile) {
    if (const std::shared_ptr<MjpegStream> self = weak.lock()) self->take(tile);
  });
}

void MjpegStream::take(const std::shared_ptr<const Tile>& tile) {
  painting_ = false;
  if (!tile) return;
  sent_ = tile->number;
  part_ = fmt::format("--zoo-frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", tile->jpeg.size());
  part_ += tile->jpeg;
  part_ += "\r\n";
  offset_ = 0;
  if (wake_) wake_();
}

}  // namespace zoo::serve
