#include "nn/core/counted.h"

#include <fmt/format.h>

namespace zoo {
namespace {

bool ends_in_consonant_and_y(std::string_view word) {
  constexpr std::string_view kVowels = "aeiou";
  return word.size() > 1 && word.ends_with('y') && kVowels.find(word[word.size() - 2]) == kVowels.npos;
}

std::string plural_of(std::string_view word) {
  if (ends_in_consonant_and_y(word)) return fmt::format("{}ies", word.substr(0, word.size() - 1));
  for (const std::string_view hissing : {"s", "x", "ch", "sh"}) {
    if (word.ends_with(hissing)) return fmt::format("{}es", word);
  }
  return fmt::format("{}s", word);
}

}  // namespace

std::string counted(int64_t count, std::string_view thing) {
  return fmt::format("{} {}", count, count == 1 ? std::string(thing) : plural_of(thing));
}

}  // namespace zoo
