#include "apps/window_sink.h"

#include <filesystem>
#include <variant>

#include <fmt/format.h>

#include "apps/output.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {

void WindowSink::begin(size_t stream, const pipeline::SourceInfo& source) { kinds_[stream] = source.kind; }

void WindowSink::write(const pipeline::FrameEvent& event) {
  const auto* item = std::get_if<pipeline::ProcessedFrame>(&event);
  const size_t stream = item != nullptr ? item->frame.stream : std::get<pipeline::FrameFailure>(event).stream;
  const auto kind = kinds_.find(stream);
  const bool is_picture = kind != kinds_.end() && kind->second == pipeline::SourceKind::kImages;
  if (is_picture) ++seen_;
  if (item == nullptr || closed_) return;
  if (!std::exchange(said_keys_, true)) {
    report(is_picture ? "--show: any key shows the next picture, q or Esc ends" : "--show: q or Esc ends");
  }
  window_.set_title(title_of(item->frame.source, is_picture));
  closed_ = !(is_picture ? window_.show_and_wait(item->frame.image) : window_.show(item->frame.image));
}

std::string WindowSink::title_of(const std::string& source, bool is_picture) const {
  if (!is_picture) return printable(source);
  const std::string file = printable(std::filesystem::path(source).filename().string());
  return pictures_ > 1 ? fmt::format("{} ({}/{})", file, seen_, pictures_) : file;
}

}  // namespace zoo::apps
