#include "streams/answer_words.h"

#include <variant>

#include <fmt/format.h>

#include "nn/core/counted.h"

namespace zoo::streams {
namespace {

constexpr const char* kNothing = "nothing";

std::string words_of(const pipeline::Classification& result) {
  if (result.steady) return fmt::format("{} {:.2f}", result.steady->label, result.steady->score);
  if (result.known == false) return std::string(pipeline::kUnknownLabel);
  if (result.top.empty()) return kNothing;
  std::string words = fmt::format("{} {:.2f}", result.top.front().label, result.top.front().score);
  if (result.multi_label && result.top.size() > 1) words += fmt::format(", {} more", result.top.size() - 1);
  return words;
}

std::string words_of(const pipeline::FoundObjects& result) {
  if (result.boxes.empty()) return kNothing;
  const pipeline::FoundObject& best = result.boxes.front();
  return fmt::format("{} {:.2f}, {}", best.label, best.score,
                     counted(static_cast<int64_t>(result.boxes.size()), "object"));
}

std::string words_of(const pipeline::Segmentation& result) {
  if (result.classes.empty()) return kNothing;
  return fmt::format("{} {:.0f} %", result.classes.front().label, result.classes.front().share * 100.0);
}

}  // namespace

std::string answer_words(const pipeline::TaskResult& result) {
  return std::visit([](const auto& of_task) { return words_of(of_task); }, result);
}

}  // namespace zoo::streams
