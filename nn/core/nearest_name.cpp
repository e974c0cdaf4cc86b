#include <algorithm>
#include <array>
#include <vector>

#include "nn/core/config_node.h"
#include "nn/core/name_alias.h"

namespace zoo {
namespace {

// Longer words are no misspelt names, and comparing them would take quadratic time.
constexpr size_t kMaxWordLength = 64;

/// Insertions, deletions, replacements and swaps of neighbours, no part edited twice (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the table: two characters of `a` back, one back, current.
  std::array<std::vector<size_t>, 3> rows;
  for (std::vector<size_t>& row : rows) row.resize(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    const std::vector<size_t>& two_back = rows[(i + 1) % 3];
    const std::vector<size_t>& back = rows[(i - 1) % 3];
    std::vector<size_t>& row = rows[i % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = back[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, back[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_back[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > kMaxWordLength) return {};
  // Two edits make "swish" of "hswish", which means hard_swish: names that are known win over letters.
  if (std::string alias = detail::name_by_alias(word, candidates); !alias.empty()) return alias;
  size_t best = std::max<size_t>(1, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxWordLength) continue;
    const size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) >= best) continue;  // so many insertions alone
    const size_t distance = edit_distance(word, candidate);
    // Two words without a single character in common are not near, however short.
    const bool something_in_common = distance < longer;
    if (distance < best && (something_in_common || word == candidate)) {
      best = distance;
      nearest = candidate;
    }
  }
  // Letters first: "stagex_params" is no variant of "params" where there is "stage_params".
  return nearest.empty() ? detail::name_of_variant(word, candidates) : nearest;
}

}  // namespace zoo
