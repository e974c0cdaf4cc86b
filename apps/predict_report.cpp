#include "apps/predict_report.h"

#include <algorithm>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"

namespace zoo::apps {
namespace {

constexpr size_t kMaxNameWidth = 60;

constexpr size_t kMaxParts = 8;
constexpr double kVisibleShare = 0.01;

/// What one result says to a person.
struct Words {
  std::string header;             ///< of the table
  std::vector<std::string> rows;  ///< of the table
  std::string line;               ///< everything on one line
  std::string state;              ///< what makes a change in a video
  bool steady = false;            ///< `state` does not flicker
};

std::string joined(const std::vector<std::string>& parts) {
  const size_t shown = std::min(parts.size(), kMaxParts);
  std::string text =
      fmt::format("{}", fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < parts.size()) text += fmt::format(", and {} more", parts.size() - shown);
  return text;
}

/// What would be written as 0.00 %.
bool is_nothing(double part) { return part < 0.00005; }

/// The classes of a multi-label model.
Words words_for_labels(const pipeline::Classification& result) {
  Words words{.header = "   score  label", .rows = {}, .line = "nothing", .state = {}};
  std::vector<std::string> parts;
  std::set<int64_t> present;
  for (const pipeline::ClassScore& label : result.top) {
    words.rows.push_back(fmt::format("{:6.2f} %  {}", label.score * 100.0, printable(label.label)));
    parts.push_back(fmt::format("{:.1f} % {}", label.score * 100.0, printable(label.label)));
    present.insert(label.index);
  }
  for (const int64_t index : present) words.state += fmt::format("{} ", index);
  if (!parts.empty()) words.line = joined(parts);
  return words;
}

/// A line without a score, its label below the others'.
std::string unscored(const std::string& label) { return fmt::format("{:>8}  {}", "-", label); }

/// The steady name in place of the frame's own.
void use_steady(const pipeline::SteadyLabel& steady, Words& words) {
  words.steady = true;
  words.state = steady.index ? fmt::to_string(*steady.index) : pipeline::kUnknownLabel;
  words.line = steady.index ? fmt::format("{:6.2f} %  {}", steady.score * 100.0, printable(steady.label))
                            : unscored(pipeline::kUnknownLabel);
}

Words words_for_guesses(const pipeline::Classification& result) {
  Words words{.header = "rank    score  label", .rows = {}, .line = {}, .state = {}};
  for (const pipeline::ClassScore& guess : result.top) {
    if (is_nothing(guess.score) && !words.rows.empty()) break;
    words.rows.push_back(
        fmt::format("{:4d} {:6.2f} %  {}", words.rows.size() + 1, guess.score * 100.0, printable(guess.label)));
  }
  if (!result.known.value_or(true)) {
    words.rows.insert(words.rows.begin(), fmt::format("   - {}", unscored(pipeline::kUnknownLabel)));
    words.line = unscored(pipeline::kUnknownLabel);
    words.state = pipeline::kUnknownLabel;
  } else if (result.top.empty()) {
    words.line = "nothing";
  } else {
    const pipeline::ClassScore& best = result.top.front();
    words.line = fmt::format("{:6.2f} %  {}", best.score * 100.0, printable(best.label));
    words.state = fmt::to_string(best.index);
  }
  if (result.steady) use_steady(*result.steady, words);
  return words;
}

Words words_for(const pipeline::Classification& result) {
  return result.multi_label ? words_for_labels(result) : words_for_guesses(result);
}

Words words_for(const pipeline::FoundObjects& result) {
  Words words{.header = "   score        x0       y0       x1       y1  label", .rows = {}, .line = {}, .state = {}};
  words.rows.reserve(result.boxes.size());
  std::map<std::string, int> counts;
  for (const pipeline::FoundObject& object : result.boxes) {
    words.rows.push_back(fmt::format("{:6.2f} %  {:8.1f} {:8.1f} {:8.1f} {:8.1f}  {}", object.score * 100.0,
                                     object.box.x0, object.box.y0, object.box.x1, object.box.y1,
                                     printable(object.label)));
    ++counts[printable(object.label)];
  }
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [label, count] : counts) parts.push_back(fmt::format("{} {}", count, label));
  words.state = fmt::format("{}", fmt::join(parts, ", "));
  words.line = parts.empty() ? "nothing" : joined(parts);
  return words;
}

Words words_for(const pipeline::Segmentation& result) {
  Words words{.header = "   share  label", .rows = {}, .line = {}, .state = {}};
  std::vector<std::string> parts;
  std::set<int64_t> visible;
  for (const pipeline::ClassShare& present : result.classes) {
    if (is_nothing(present.share)) break;
    words.rows.push_back(fmt::format("{:6.2f} %  {}", present.share * 100.0, printable(present.label)));
    if (present.share < kVisibleShare) continue;
    parts.push_back(fmt::format("{:.1f} % {}", present.share * 100.0, printable(present.label)));
    visible.insert(present.index);
  }
  for (const int64_t index : visible) words.state += fmt::format("{} ", index);
  words.line = joined(parts);
  return words;
}

Words words_for(const pipeline::TaskResult& result) {
  return std::visit([](const auto& of_task) { return words_for(of_task); }, result);
}

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
  const Words words = words_for(item.result);
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
