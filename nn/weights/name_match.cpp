#include "nn/weights/name_match.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "nn/weights/convert.h"

namespace zoo::weights {
namespace {

/// What wrappers around a network put before every name: DataParallel, Lightning-like modules, torch.compile.
constexpr std::array<std::string_view, 3> kWrappers = {"module.", "model.", "_orig_mod."};

bool is_made_of_wrappers(std::string_view prefix) {
  while (!prefix.empty()) {
    const auto wrapper = std::ranges::find_if(kWrappers, [&](std::string_view w) { return prefix.starts_with(w); });
    if (wrapper == kWrappers.end()) return false;
    prefix.remove_prefix(wrapper->size());
  }
  return true;
}

/// The wrappers that all names of a state dict begin with.
std::string common_wrapper_prefix(std::span<const StoredTensor> tensors) {
  std::string prefix;
  for (bool grown = !tensors.empty(); grown;) {
    grown = false;
    for (const std::string_view wrapper : kWrappers) {
      const std::string longer = prefix + std::string(wrapper);
      const auto begins = [&longer](const StoredTensor& tensor) { return tensor.name.starts_with(longer); };
      if (!std::ranges::all_of(tensors, begins)) continue;
      prefix = longer;
      grown = true;
    }
  }
  return prefix;
}

struct PrefixChoice {
  std::string prefix;
  std::string other;  ///< another one that has all names as well, and no less right
};

/// Every tensor votes for the beginnings behind which its name is known.
PrefixChoice choose_prefix(const SchemeNames& scheme, const Listing& listing) {
  std::map<std::string_view, size_t> votes;
  for (const StoredTensor& tensor : listing.tensors) {
    const std::string_view name = tensor.name;
    for (size_t begin = 0; begin != std::string_view::npos;) {
      const std::string_view rest = name.substr(begin);
      if (rest.size() <= scheme.longest && scheme.names.contains(rest)) ++votes[name.substr(0, begin)];
      const size_t dot = name.find('.', begin);
      begin = dot == std::string_view::npos ? dot : dot + 1;
    }
  }
  if (votes.empty()) return {common_wrapper_prefix(listing.tensors), {}};
  // No prefix at all is best, then the wrappers that are known, then what is shortest.
  const auto rank = [](const auto& vote) {
    return std::tuple(vote.second, is_made_of_wrappers(vote.first), -static_cast<ptrdiff_t>(vote.first.size()));
  };
  const auto best = std::ranges::max_element(votes, {}, rank);
  PrefixChoice choice = {std::string(best->first), {}};
  if (is_made_of_wrappers(best->first) || best->second < scheme.names.size()) return choice;
  for (const auto& [prefix, count] : votes) {
    if (count == best->second && prefix != best->first) choice.other = prefix;
  }
  return choice;
}

}  // namespace

SchemeNames::SchemeNames(Ecosystem which, std::span<const Parameter> parameters)
    : ecosystem(which), tensors(parameters.size()), unnamed(parameters.size()) {
  for (size_t id = 0; id < parameters.size(); ++id) {
    const std::string& own = parameters[id].name;
    tensors[id] = expected_tensor(ecosystem, parameters[id]);
    if (!tensors[id]) {
      unnamed[id] = fmt::format("{} (no such structure in {})", own, to_string(ecosystem));
    } else if (names.insert(tensors[id]->name).second) {
      longest = std::max(longest, tensors[id]->name.size());
    } else {
      unnamed[id] = fmt::format("{} ({} calls another parameter {})", own, to_string(ecosystem), tensors[id]->name);
      tensors[id].reset();
    }
  }
}

Listing::Listing(std::span<const StoredTensor> stored, const std::map<std::string, std::string, std::less<>>& rest)
    : tensors(stored), others(rest) {
  for (const StoredTensor& tensor : tensors) index.emplace(tensor.name, &tensor);
}

const StoredTensor* Listing::find(const std::string& name) const {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

bool Candidate::matches(size_t parameter) const {
  const StoredTensor* const tensor = found[parameter];
  return tensor != nullptr && is_floating(tensor->dtype) && tensor->shape == scheme->tensors[parameter]->shape;
}

Candidate make_candidate(const SchemeNames& scheme, const Listing& listing, const std::vector<bool>& may_differ,
                         const std::string& wanted_prefix) {
  Candidate candidate;
  candidate.scheme = &scheme;
  PrefixChoice choice =
      wanted_prefix.empty() ? choose_prefix(scheme, listing) : PrefixChoice{.prefix = wanted_prefix, .other = {}};
  candidate.prefix = std::move(choice.prefix);
  candidate.other_prefix = std::move(choice.other);
  candidate.fits = true;
  for (size_t id = 0; id < scheme.tensors.size(); ++id) {
    const std::optional<ExpectedTensor>& tensor = scheme.tensors[id];
    candidate.found.push_back(tensor ? listing.find(candidate.prefix + tensor->name) : nullptr);
    if (candidate.found.back() != nullptr) ++candidate.names_found;
    if (!candidate.matches(id) && !may_differ[id]) candidate.fits = false;
  }
  candidate.fits = candidate.fits && candidate.names_found > 0;
  return candidate;
}

}  // namespace zoo::weights
