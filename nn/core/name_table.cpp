#include "nn/core/name_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "nn/core/error.h"

namespace zoo {
namespace {

const std::string& pattern_of(const NameRow& row, Layer layer) {
  switch (layer) {
    case Layer::kWeighted:
      return row.weighted;
    case Layer::kNorm:
      return row.norm;
    case Layer::kActivation:
      return row.activation;
  }
  return row.weighted;
}

std::string word_for(std::string_view key, const ParameterRole& role, std::span<const NameWord> words) {
  const auto word = std::ranges::find(words, key, &NameWord::first);
  if (word != words.end()) return word->second;
  if (const std::optional<int> count = role.count(key)) return std::to_string(*count);
  throw Error(fmt::format("names of {}: the builder gives no count \"{}\"", role.part, key));
}

std::string expand(std::string_view pattern, const ParameterRole& role, std::span<const NameWord> words) {
  std::string text;
  for (size_t at = 0; at < pattern.size();) {
    const size_t open = std::min(pattern.find('{', at), pattern.size());
    text += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const size_t close = pattern.find('}', open);
    text += word_for(pattern.substr(open + 1, close - open - 1), role, words);
    at = close + 1;
  }
  return text;
}

}  // namespace

std::optional<std::string> NameTable::find(const ParameterRole& role, std::span<const NameWord> words) const {
  const std::string part = role.block.empty() ? role.part : fmt::format("{}.{}", role.block, role.part);
  const auto row = std::ranges::find(rows_, part, &NameRow::part);
  if (row == rows_.end()) return std::nullopt;
  const std::string& pattern = pattern_of(*row, role.layer);
  if (pattern.empty()) return std::nullopt;
  return fmt::format("{}.{}", expand(pattern, role, words), torch_field(role.field));
}

std::optional<TensorName> NameTable::operator()(const Parameter& parameter, Task) const {
  std::optional<std::string> name = find(parameter.role);
  if (!name) return std::nullopt;
  return TensorName{*std::move(name)};
}

}  // namespace zoo
