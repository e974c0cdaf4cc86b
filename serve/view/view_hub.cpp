#include "serve/view/view_hub.h"

#include <algorithm>
#include <utility>

#include "serve/view/view_json.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
constexpr auto kFresh = 200ms;
constexpr int kWidthStep = 80;
constexpr int kLeastWidth = 160;
constexpr int kMaxWidth = 3'840;

}  // namespace

int shared_width(int width) {
  return std::clamp((width + kWidthStep - 1) / kWidthStep * kWidthStep, kLeastWidth, kMaxWidth);
}

ViewHub::ViewHub(HttpServer& server, std::shared_ptr<NewestFrames> frames, ViewSource source)
    : server_(server), frames_(std::move(frames)), source_(std::move(source)), painter_(frames_) {}

ViewHub::~ViewHub() = default;

void ViewHub::add(const std::shared_ptr<Watcher>& watcher) {
  watchers_.push_back(watcher);
  watched_ = true;
}

void ViewHub::wake() {
  if (!watched_ || woken_.exchange(true)) return;
  server_.post([weak = weak_from_this()] {
    const std::shared_ptr<ViewHub> hub = weak.lock();
    if (!hub) return;
    hub->woken_ = false;
    std::erase_if(hub->watchers_, [](const auto& watcher) { return watcher.expired(); });
    hub->watched_ = !hub->watchers_.empty();
    const std::vector<std::weak_ptr<Watcher>> all = hub->watchers_;
    for (const auto& watcher : all) {
      if (const auto there = watcher.lock()) there->on_frames();
    }
  });
}

size_t ViewHub::watchers() {
  std::erase_if(watchers_, [](const auto& watcher) { return watcher.expired(); });
  return watchers_.size();
}

std::optional<size_t> ViewHub::stream_of(const std::string& name) {
  refresh();
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

void ViewHub::paint(size_t stream, int width, std::function<void(const std::shared_ptr<const Tile>&)> done) {
  painter_.paint(stream, width, [&server = server_, done = std::move(done)](std::shared_ptr<const Tile> tile) {
    server.post([done, tile = std::move(tile)] { done(tile); });
  });
}

const std::string& ViewHub::state() {
  refresh();
  return state_;
}

void ViewHub::refresh() {
  const auto now = std::chrono::steady_clock::now();
  if (!state_.empty() && now - refreshed_at_ < kFresh) return;
  refreshed_at_ = now;
  state_ = view_json(source_);
  numbers_.clear();
  std::set<size_t> there;
  for (const streams::StreamSnapshot& stream : source_.streams()) {
    numbers_[stream.name] = stream.stream;
    there.insert(stream.stream);
  }
  frames_->keep_only(there);
}

}  // namespace zoo::serve
