#include "serve/view/view_session.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "nn/core/json_nesting.h"

namespace zoo::serve {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kShortest = 60ms;  ///< between two pictures of a stream: more per second nobody follows
constexpr auto kStateAtLeast = 1s;
constexpr size_t kMaxLooks = 256;
constexpr int kMaxWidth = 8'192;

/// What a client says it looks at; nothing where it is no list of names and widths.
std::optional<std::map<std::string, int>> widths_of(const json& list) {
  if (!list.is_array() || list.size() > kMaxLooks) return std::nullopt;
  std::map<std::string, int> widths;
  for (const json& entry : list) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) return std::nullopt;
    const auto width = entry[1].get<double>();
    if (!(width >= 1.0 && width <= kMaxWidth)) return std::nullopt;
    widths[entry[0].get<std::string>()] = static_cast<int>(width);
  }
  return widths;
}

std::string picture_message(const std::string& name, const Tile& tile) {
  const std::chrono::duration<double, std::milli> age = std::chrono::steady_clock::now() - tile.captured_at;
  const bool timed = tile.captured_at != std::chrono::steady_clock::time_point{};
  const json header = {{"stream", name},
                       {"frame", tile.frame},
                       {"epoch", tile.epoch},
                       {"width", tile.width},
                       {"height", tile.height},
                       {"model", tile.model_version},
                       {"age_ms", timed ? json(age.count()) : json(nullptr)}};
  const std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string message;
  message.reserve(4 + text.size() + tile.jpeg.size());
  for (int shift = 0; shift < 32; shift += 8) message += static_cast<char>(text.size() >> shift);
  message += text;
  message += tile.jpeg;
  return message;
}

}  // namespace

void ViewSession::on_text(std::string_view text) {
  const json message = too_deep_json(text) ? json() : json::parse(text, nullptr, false);
  const auto ends = [&] { socket_->close("a message that is none of this page's"); };
  if (!message.is_object()) return ends();
  if (const auto look = message.find("look"); look != message.end()) {
    std::optional<std::map<std::string, int>> widths = widths_of(*look);
    return widths ? look_at(std::move(*widths)) : ends();
  }
  const auto ack = message.find("ack");
  if (ack == message.end()) return ends();
  if (*ack == "state") {
    state_unacknowledged_ = false;
    return;
  }
  const auto stream = message.find("stream");
  if (*ack != "picture" || stream == message.end() || !stream->is_string()) return ends();
  const auto look = looks_.find(stream->get<std::string>());
  if (look == looks_.end()) return;  // it has stopped looking meanwhile
  look->second.unacknowledged = false;
  want_next(look->first, look->second);
}

void ViewSession::look_at(std::map<std::string, int> widths) {
  std::erase_if(looks_, [&](const auto& look) { return !widths.contains(look.first); });
  for (const auto& [name, width] : widths) {
    Look& look = looks_[name];
    const int drawn = shared_width(width);
    if (std::exchange(look.width, drawn) < drawn) look.sent = 0;  // the last one again, sharper
    want_next(name, look);
  }
}

void ViewSession::on_tick() {
  on_frames();
  if (state_unacknowledged_) return;
  const std::string& state = hub_->state();
  const Clock::time_point now = Clock::now();
  if (state == sent_state_ && now - state_sent_at_ < kStateAtLeast) return;
  state_unacknowledged_ = true;
  state_sent_at_ = now;
  sent_state_ = state;
  socket_->send_text(state);
}

void ViewSession::on_frames() {
  for (auto& [name, look] : looks_) want_next(name, look);
}

void ViewSession::want_next(const std::string& name, Look& look) {
  if (look.painting || look.unacknowledged) return;
  if (look.sent != 0 && Clock::now() - look.sent_at < kShortest) return;
  const std::optional<size_t> stream = hub_->stream_of(name);
  if (!stream || hub_->newest(*stream) <= look.sent) return;
  look.painting = true;
  hub_->paint(*stream, look.width, [weak = weak_from_this(), name](const std::shared_ptr<const Tile>& tile) {
    if (const std::shared_ptr<ViewSession> self = weak.lock()) self->send_picture(name, tile);
  });
}

void ViewSession::send_picture(const std::string& name, const std::shared_ptr<const Tile>& tile) {
  const auto found = looks_.find(name);
  if (found == looks_.end()) return;
  Look& look = found->second;
  look.painting = false;
  if (!tile) return;
  look.sent = tile->number;
  look.sent_at = Clock::now();
  look.unacknowledged = true;
  socket_->send_binary(picture_message(name, *tile));
}

}  // namespace zoo::serve
