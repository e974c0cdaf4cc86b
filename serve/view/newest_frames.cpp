#include "serve/view/newest_frames.h"

#include <utility>
#include <variant>

namespace zoo::serve {

void NewestFrames::put(const pipeline::ProcessedFrame& item) {
  auto frame = std::make_shared<AnsweredFrame>(AnsweredFrame{0, item});
  {
    const std::scoped_lock lock(mutex_);
    frame->number = ++last_;
    frames_[item.frame.stream] = std::move(frame);
  }
  const std::scoped_lock lock(listening_);
  if (listener_) listener_();
}

void NewestFrames::keep_only(const std::set<size_t>& streams) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(frames_, [&](const auto& entry) { return !streams.contains(entry.first); });
}

std::shared_ptr<const AnsweredFrame> NewestFrames::newest(size_t stream) const {
  const std::scoped_lock lock(mutex_);
  const auto found = frames_.find(stream);
  return found == frames_.end() ? nullptr : found->second;
}

uint64_t NewestFrames::number(size_t stream) const {
  const std::shared_ptr<const AnsweredFrame> frame = newest(stream);
  return frame ? frame->number : 0;
}

void NewestFrames::on_put(std::function<void()> listener) {
  const std::scoped_lock lock(listening_);
  listener_ = std::move(listener);
}

void ViewSink::write(const pipeline::FrameEvent& event) {
  if (const auto* item = std::get_if<pipeline::ProcessedFrame>(&event)) frames_->put(*item);
}

}  // namespace zoo::serve
