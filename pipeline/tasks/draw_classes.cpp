#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "pipeline/tasks/draw.h"
#include "pipeline/tasks/panel.h"

namespace zoo::pipeline {
namespace {

constexpr Rgb kBarColor{30, 110, 150};

/// A guess as it is written: its label may take several lines.
struct Entry {
  double score = 0.0;
  std::string score_text;
  std::vector<std::string> lines;
};

std::string score_text(double score, const TextSizes& sizes) {
  return sizes.compact ? fmt::format("{:.0f}%", score * 100.0) : fmt::format("{:.1f}%", score * 100.0);
}

enum class Scores { kShown, kNone };

/// What would be written as 0.0%.
bool is_nothing(double score) { return score < 0.0005; }

int width_of(const std::string& text, const TextSizes& sizes, int limit) {
  return text.empty() ? 0 : text_painter().width({text, sizes.height, limit});
}

/// The panel of a classification: which text in which size, before anything is drawn.
class ClassPanel {
 public:
  ClassPanel(const cv::Mat& image, std::span<const ClassScore> top, Scores scores) : image_(image), scores_(scores) {
    const std::string best = label_text(top.front().label);
    sizes_ = text_sizes(image.size(), is_intricate_text(best));
    set_best(best, top.front().score);
    while (lines_ > lines_of_panel(image, sizes_) && sizes_.height > sizes_.least_height) {
      sizes_ = with_height(sizes_, sizes_.height - 1);
      set_best(best, top.front().score);
    }
    keep_best_inside();
    if (!sizes_.compact) add_others(top.subspan(1));
  }

  void draw(cv::Mat& image) const {
    int score_width = 0;
    int label_width = 0;
    for (const Entry& entry : entries_) {
      score_width = std::max(score_width, number_width(entry.score_text, sizes_));
      for (const std::string& line : entry.lines) {
        label_width = std::max(label_width, width_of(line, sizes_, limit_));
      }
    }
    const int indent = image.cols - 2 * sizes_.margin - limit_;
    cv::Mat box = darkened_corner(image, sizes_, indent + label_width, lines_);
    int line = 0;
    for (const Entry& entry : entries_) {
      draw_entry(box, entry, line, score_width);
      line += static_cast<int>(entry.lines.size());
    }
  }

 private:
  void set_best(const std::string& label, double score) {
    const int room = image_.cols - 2 * sizes_.margin;
    const std::string text = score_text(score, sizes_);
    // The widest score that there can be, so that labels stand still from frame to frame.
    const int score_room = number_width(score_text(1.0, sizes_), sizes_) + sizes_.margin;
    const int label_room = width_of(label, sizes_, image_.cols * 100);
    const bool shows_score =
        scores_ == Scores::kShown && score_room < room && (!sizes_.compact || score_room + label_room <= room);
    limit_ = std::max(1, shows_score ? room - score_room : room);
    std::vector<std::string> lines = {label};
    if (label_room > limit_) lines = text_painter().broken({label, sizes_.height, limit_});
    entries_ = {{score, shows_score ? text : "", std::move(lines)}};
    lines_ = static_cast<int>(entries_.front().lines.size());
  }

  /// Where no size is small enough, the last line that there is room for loses its end.
  void keep_best_inside() {
    const int most = std::max(1, (image_.rows - 2 * sizes_.margin - sizes_.height) / sizes_.line + 1);
    if (lines_ <= most) return;
    std::vector<std::string>& lines = entries_.front().lines;
    for (size_t i = static_cast<size_t>(most); i < lines.size(); ++i) {
      lines[static_cast<size_t>(most) - 1] += " " + lines[i];
    }
    lines.resize(static_cast<size_t>(most));
    lines_ = most;
  }

  void add_others(std::span<const ClassScore> others) {
    for (const ClassScore& guess : others) {
      if (lines_ >= lines_of_panel(image_, sizes_) || is_nothing(guess.score)) break;
      entries_.push_back({guess.score, score_text(guess.score, sizes_), {label_text(guess.label)}});
      ++lines_;
    }
  }

  void draw_entry(cv::Mat& box, const Entry& entry, int line, int score_width) const {
    const int last = line + static_cast<int>(entry.lines.size()) - 1;
    const int bar = static_cast<int>(std::lround(entry.score * (box.cols - 1)));
    if (scores_ == Scores::kShown)
      cv::rectangle(box, {0, baseline_of(sizes_, line) - sizes_.height - sizes_.margin / 2},
                    {bar, baseline_of(sizes_, last) + sizes_.margin / 2}, scalar(kBarColor), cv::FILLED);
    if (!entry.score_text.empty()) {
      const int width = number_width(entry.score_text, sizes_);
      draw_number(box, entry.score_text, {sizes_.margin + score_width - width, baseline_of(sizes_, line)}, sizes_,
                  kWhite);
    }
    for (const std::string& text : entry.lines) {
      text_painter().draw(box, {text, sizes_.height, limit_},
                          {image_.cols - sizes_.margin - limit_, baseline_of(sizes_, line++)}, kWhite);
    }
  }

  const cv::Mat& image_;
  Scores scores_;
  TextSizes sizes_;
  int limit_ = 0;  ///< of a label
  std::vector<Entry> entries_;
  int lines_ = 0;
};

}  // namespace

void draw_classes(cv::Mat& image, std::span<const ClassScore> top) {
  if (top.empty() || !has_room_for_text(image)) return;
  ClassPanel(image, top, Scores::kShown).draw(image);
}

void draw_unknown(cv::Mat& image) {
  if (!has_room_for_text(image)) return;
  const std::array<ClassScore, 1> unknown = {{{.index = -1, .label = kUnknownLabel, .score = 0.0, .logit = 0.0}}};
  ClassPanel(image, unknown, Scores::kNone).draw(image);
}

void draw_classification(cv::Mat& image, const Classification& result) {
  const auto& steady = result.steady;
  const bool is_known = result.known.value_or(true);
  if (steady ? !steady->index : !is_known) {
    draw_unknown(image);
    return;
  }
  if (!steady) {
    draw_classes(image, result.top);
    return;
  }
  std::vector<ClassScore> shown = {{.index = *steady->index, .label = steady->label, .score = steady->score}};
  for (const ClassScore& guess : result.top) {
    if (is_known && guess.index != *steady->index) shown.push_back(guess);
  }
  draw_classes(image, shown);
}

}  // namespace zoo::pipeline
