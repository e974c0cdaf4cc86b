// The names of one ecosystem held against the names of one state dict. Internal to nn/weights.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "nn/weights/checkpoint_file.h"
#include "nn/weights/name_scheme.h"

namespace zoo::weights {

/// What an ecosystem calls the parameters of a network.
struct SchemeNames {
  SchemeNames(Ecosystem ecosystem, std::span<const Parameter> parameters);
  SchemeNames(const SchemeNames&) = delete;
  SchemeNames(SchemeNames&&) = default;
  SchemeNames& operator=(const SchemeNames&) = delete;
  SchemeNames& operator=(SchemeNames&&) = default;
  ~SchemeNames() = default;

  Ecosystem ecosystem;
  std::vector<std::optional<ExpectedTensor>> tensors;  ///< one per parameter
  std::vector<std::string> unnamed;                    ///< one per parameter: why it has no name
  std::unordered_set<std::string_view> names;          ///< of `tensors`
  size_t longest = 0;                                  ///< name
};

/// Names, types and shapes of a state dict.
struct Listing {
  Listing(std::span<const StoredTensor> tensors, const std::map<std::string, std::string, std::less<>>& others);
  explicit Listing(const CheckpointFile& file) : Listing(file.tensors(), file.others()) {}

  const StoredTensor* find(const std::string& name) const;

  std::span<const StoredTensor> tensors;
  const std::map<std::string, std::string, std::less<>>& others;
  std::unordered_map<std::string_view, const StoredTensor*> index;
};

/// One scheme held against a state dict.
struct Candidate {
  const SchemeNames* scheme = nullptr;
  std::string prefix;                      ///< stands before the names that fit
  std::string other_prefix;                ///< before which all names are there once more; empty if there is none
  std::vector<const StoredTensor*> found;  ///< the tensor of a parameter's name, whatever its shape; or nullptr
  size_t names_found = 0;
  bool fits = false;  ///< all that must be there is there, and something is

  /// Whether the tensor of that parameter can be read.
  bool matches(size_t parameter) const;
};

/// `may_differ`, one per parameter: whether its tensor need not be there. `wanted_prefix` as CheckpointFile's; empty:
/// the beginning behind which most names are known.
Candidate make_candidate(const SchemeNames& scheme, const Listing& listing, const std::vector<bool>& may_differ,
                         const std::string& wanted_prefix);

}  // namespace zoo::weights
