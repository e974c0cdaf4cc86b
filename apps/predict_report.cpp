#include "apps/predict_report.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"
#include "pipeline/tasks/result_words.h"

namespace zoo::apps {
namespace {

constexpr size_t kMaxNameWidth = 60;

}  // namespace

bool StableState::update(const std::string& state, int frames) {
  if (state == stable_) {
    run_ = 0;
    return false;
  }
  run_ = run_ > 0 && state == candidate_ ? run_ + 1 : 1;
  candidate_ = state;
  if (stable_ && run_ < frames) return false;
  stable_ = state;
  run_ = 0;
  return true;
}

void TextReport::begin(size_t stream, const pipeline::SourceInfo& source) {
  name_ = printable(source.name);
  if (source.kind != pipeline::SourceKind::kImages) {
    style_ = Style::kVideo;
    stable_ = StableState();
    return;
  }
  const std::vector<std::filesystem::path>& files = sources_[stream].images;
  style_ = sources_.size() == 1 && files.size() == 1 ? Style::kTable : Style::kLines;
  name_width_ = 0;
  for (const auto& file : files) name_width_ = std::max(name_width_, std::min(kMaxNameWidth, file.string().size()));
}

void TextReport::write(const pipeline::FrameEvent& event) {
  const auto* processed = std::get_if<pipeline::ProcessedFrame>(&event);
  if (processed == nullptr) return;
  const pipeline::ProcessedFrame& item = *processed;
  const pipeline::ResultWords words = pipeline::words_of(item.result);
  switch (style_) {
    case Style::kTable:
      out_.line(fmt::format("{} ({}x{})", printable(item.frame.source), item.frame.image.cols, item.frame.image.rows));
      out_.line(words.header);
      for (const std::string& row : words.rows) out_.line(row);
      break;
    case Style::kLines:
      out_.line(fmt::format("{:<{}}  {}", printable(item.frame.source), name_width_, words.line));
      break;
    case Style::kVideo:
      if (stable_.update(words.state, words.steady ? 1 : StableState::kUsualFrames))
        out_.line(fmt::format("{:10.2f} s  {}", item.frame.time_s, words.line));
      break;
  }
}

void TextReport::end(size_t /*stream*/, const pipeline::SourceStats& stats) {
  if (style_ == Style::kVideo) {
    out_.line(stats_text(name_, stats));
    return;
  }
  pictures_.ok += stats.ok;
  pictures_.failed += stats.failed;
  pictures_.wall_s += stats.wall_s;
}

void TextReport::finish() {
  if (pictures_.ok + pictures_.failed > 1) out_.line(pictures_text(pictures_));
}

std::string stats_text(const std::string& name, const pipeline::SourceStats& stats) {
  const double rate = stats.wall_s > 0.0 ? static_cast<double>(stats.ok) / stats.wall_s : 0.0;
  return fmt::format("{}: {} in {:.2f} s ({:.1f} frames/s), {} dropped, {} failed", name, counted(stats.ok, "frame"),
                     stats.wall_s, rate, stats.dropped, stats.failed);
}

std::string pictures_text(const pipeline::SourceStats& stats) {
  const double rate = stats.wall_s > 0.0 ? static_cast<double>(stats.ok) / stats.wall_s : 0.0;
  return fmt::format("{} in {:.2f} s ({:.1f} pictures/s), {} failed", counted(stats.ok, "picture"), stats.wall_s, rate,
                     stats.failed);
}

}  // namespace zoo::apps
