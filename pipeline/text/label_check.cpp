#include "pipeline/text/label_check.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nn/core/shown_text.h"
#include "pipeline/text/code_points.h"
#include "pipeline/text/text_painter.h"

namespace zoo::pipeline {

std::string label_problem(std::span<const std::string> labels) {
  size_t count = 0;
  std::string first;
  std::set<std::string> remedies;
  for (const std::string& label : labels) {
    if (std::ranges::all_of(label, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) continue;
    const char32_t character = text_painter().missing(printable(label));
    if (character == 0) continue;
    ++count;
    if (first.empty()) first = fmt::format("\"{}\" (U+{:04X})", shortened(label), static_cast<uint32_t>(character));
    remedies.insert(text_painter().remedy(character));
  }
  if (count == 0) return {};
  return fmt::format("{} of {} labels cannot be drawn whole, {} the first: {}", count, labels.size(), first,
                     fmt::join(remedies, ", "));
}

}  // namespace zoo::pipeline
