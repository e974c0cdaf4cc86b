#include "pipeline/tasks/result_words.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"
#include "nn/core/shown_text.h"

namespace zoo::pipeline {
namespace {

constexpr const char* kNothing = "nothing";
constexpr size_t kMaxParts = 8;
constexpr double kVisibleShare = 0.01;

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
ResultWords words_of_labels(const Classification& result) {
  ResultWords words{.header = "   score  label", .rows = {}, .line = kNothing, .state = {}};
  std::vector<std::string> parts;
  std::set<int64_t> present;
  for (const ClassScore& label : result.top) {
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
void use_steady(const SteadyLabel& steady, ResultWords& words) {
  words.steady = true;
  words.state = steady.index ? fmt::to_string(*steady.index) : kUnknownLabel;
  words.line = steady.index ? fmt::format("{:6.2f} %  {}", steady.score * 100.0, printable(steady.label))
                            : unscored(kUnknownLabel);
}

ResultWords words_of_guesses(const Classification& result) {
  ResultWords words{.header = "rank    score  label", .rows = {}, .line = {}, .state = {}};
  for (const ClassScore& guess : result.top) {
    if (is_nothing(guess.score) && !words.rows.empty()) break;
    words.rows.push_back(
        fmt::format("{:4d} {:6.2f} %  {}", words.rows.size() + 1, guess.score * 100.0, printable(guess.label)));
  }
  if (!result.known.value_or(true)) {
    words.rows.insert(words.rows.begin(), fmt::format("   - {}", unscored(kUnknownLabel)));
    words.line = unscored(kUnknownLabel);
    words.state = kUnknownLabel;
  } else if (result.top.empty()) {
    words.line = kNothing;
  } else {
    const ClassScore& best = result.top.front();
    words.line = fmt::format("{:6.2f} %  {}", best.score * 100.0, printable(best.label));
    words.state = fmt::to_string(best.index);
  }
  if (result.steady) use_steady(*result.steady, words);
  return words;
}

ResultWords words_of(const Classification& result) {
  return result.multi_label ? words_of_labels(result) : words_of_guesses(result);
}

ResultWords words_of(const FoundObjects& result) {
  ResultWords words{
      .header = "   score        x0       y0       x1       y1  label", .rows = {}, .line = {}, .state = {}};
  words.rows.reserve(result.boxes.size());
  std::map<std::string, int> counts;
  for (const FoundObject& object : result.boxes) {
    words.rows.push_back(fmt::format("{:6.2f} %  {:8.1f} {:8.1f} {:8.1f} {:8.1f}  {}", object.score * 100.0,
                                     object.box.x0, object.box.y0, object.box.x1, object.box.y1,
                                     printable(object.label)));
    ++counts[printable(object.label)];
  }
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [label, count] : counts) parts.push_back(fmt::format("{} {}", count, label));
  words.state = fmt::format("{}", fmt::join(parts, ", "));
  words.line = parts.empty() ? kNothing : joined(parts);
  return words;
}

ResultWords words_of(const Segmentation& result) {
  ResultWords words{.header = "   share  label", .rows = {}, .line = {}, .state = {}};
  std::vector<std::string> parts;
  std::set<int64_t> visible;
  for (const ClassShare& present : result.classes) {
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

std::string brief_of(const Classification& result) {
  if (result.steady) return fmt::format("{} {:.2f}", result.steady->label, result.steady->score);
  if (result.known == false) return std::string(kUnknownLabel);
  if (result.top.empty()) return kNothing;
  std::string words = fmt::format("{} {:.2f}", result.top.front().label, result.top.front().score);
  if (result.multi_label && result.top.size() > 1) words += fmt::format(", {} more", result.top.size() - 1);
  return words;
}

std::string brief_of(const FoundObjects& result) {
  if (result.boxes.empty()) return kNothing;
  const FoundObject& best = result.boxes.front();
  return fmt::format("{} {:.2f}, {}", best.label, best.score,
                     counted(static_cast<int64_t>(result.boxes.size()), "object"));
}

std::string brief_of(const Segmentation& result) {
  if (result.classes.empty()) return kNothing;
  return fmt::format("{} {:.0f} %", result.classes.front().label, result.classes.front().share * 100.0);
}

std::string labels_joined(const std::vector<std::string>& labels) {
  return labels.empty() ? kNothing : fmt::format("{}", fmt::join(labels, ", "));
}

std::string labels_of(const Classification& result) {
  if (result.steady) return result.steady->label;
  if (result.known == false) return std::string(kUnknownLabel);
  if (result.top.empty()) return kNothing;
  if (!result.multi_label) return result.top.front().label;
  std::map<int64_t, std::string> present;
  for (const ClassScore& label : result.top) present[label.index] = label.label;
  std::vector<std::string> labels;
  for (const auto& [index, label] : present) labels.push_back(label);
  return labels_joined(labels);
}

std::string labels_of(const FoundObjects& result) {
  std::map<std::string, int> counts;
  for (const FoundObject& object : result.boxes) ++counts[object.label];
  std::vector<std::string> labels;
  for (const auto& [label, count] : counts) labels.push_back(fmt::format("{} {}", count, label));
  return labels_joined(labels);
}

std::string labels_of(const Segmentation& result) {
  std::map<int64_t, std::string> present;
  for (const ClassShare& share : result.classes) {
    if (share.share >= kVisibleShare) present[share.index] = share.label;
  }
  std::vector<std::string> labels;
  for (const auto& [index, label] : present) labels.push_back(label);
  return labels_joined(labels);
}

}  // namespace

ResultWords words_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) { return words_of(of_task); }, result);
}

std::string brief_words_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) { return brief_of(of_task); }, result);
}

std::string label_words_of(const TaskResult& result) {
  return std::visit([](const auto& of_task) { return labels_of(of_task); }, result);
}

}  // namespace zoo::pipeline
