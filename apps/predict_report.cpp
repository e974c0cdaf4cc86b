#include "apps/predict_report.h"

#include <algorithm>

#include <fmt/format.h>

namespace zoo::apps {
namespace {

constexpr int kStableFrames = 5;
constexpr size_t kMaxNameWidth = 60;

}  // namespace

bool StableClass::update(int64_t index) {
  if (index == stable_) {
    run_ = 0;
    return false;
  }
  run_ = index == candidate_ ? run_ + 1 : 1;
  candidate_ = index;
  if (stable_ >= 0 && run_ < kStableFrames) return false;
  stable_ = index;
  run_ = 0;
  return true;
}

void TextReport::begin_images(const std::vector<std::filesystem::path>& files, bool alone) {
  style_ = alone && files.size() == 1 ? Style::kTable : Style::kLines;
  name_width_ = 0;
  for (const auto& file : files) name_width_ = std::max(name_width_, std::min(kMaxNameWidth, file.string().size()));
}

void TextReport::begin_video(const std::string& name) {
  style_ = Style::kVideo;
  name_ = name;
  stable_ = StableClass();
}

void TextReport::add(const pipeline::ProcessedFrame& item) {
  if (style_ == Style::kTable) {
    add_table(item);
    return;
  }
  if (item.result.top.empty()) return;
  const pipeline::ClassScore& best = item.result.top.front();
  if (style_ == Style::kLines) {
    out_.line(fmt::format("{:<{}}  {:6.2f} %  {}", item.frame.source, name_width_, best.score * 100.0, best.label));
  } else if (stable_.update(best.index)) {
    out_.line(fmt::format("{:10.2f} s  {:6.2f} %  {}", item.frame.time_s, best.score * 100.0, best.label));
  }
}

void TextReport::add_table(const pipeline::ProcessedFrame& item) {
  std::string text = fmt::format("{} ({}x{})\n", item.frame.source, item.frame.image.cols, item.frame.image.rows);
  text += "rank    score  label\n";
  int rank = 0;
  for (const pipeline::ClassScore& guess : item.result.top) {
    text += fmt::format("{:4d} {:6.2f} %  {}\n", ++rank, guess.score * 100.0, guess.label);
  }
  out_.write(text);
}

void TextReport::end_video(const pipeline::PipelineStats& stats) { out_.line(stats_text(name_, stats)); }

std::string stats_text(const std::string& name, const pipeline::PipelineStats& stats) {
  const double rate = stats.wall_s > 0.0 ? static_cast<double>(stats.ok) / stats.wall_s : 0.0;
  return fmt::format("{}: {} frames in {:.2f} s ({:.1f} frames/s), {} dropped, {} failed", name, stats.ok, stats.wall_s,
                     rate, stats.dropped, stats.failed);
}

std::string failures_text(const std::map<pipeline::FailureKind, int64_t>& failures) {
  int64_t total = 0;
  std::vector<std::string> parts;
  for (const auto& [kind, count] : failures) {
    total += count;
    std::string name(pipeline::to_string(kind));
    std::ranges::replace(name, '_', ' ');
    parts.push_back(fmt::format("{} {}", count, name));
  }
  return fmt::format("{} {} could not be read: {}", total, total == 1 ? "input" : "inputs", fmt::join(parts, ", "));
}

}  // namespace zoo::apps
