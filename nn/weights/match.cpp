#include "nn/weights/match.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "nn/core/error.h"
#include "nn/weights/convert.h"
#include "nn/weights/name_match.h"
#include "nn/weights/safetensors_header.h"

namespace zoo::weights {
namespace {

/// What torch's modules may save beside their parameters, in a form of their own.
bool is_extra_state(std::string_view name) {
  constexpr std::string_view kExtra = "_extra_state";
  return name == kExtra || name.ends_with("._extra_state");
}

class Matcher {
 public:
  Matcher(std::span<const Parameter> parameters, const CheckpointFile& file, const LoadOptions& options)
      : parameters_(parameters), file_(file), options_(options) {
    for (const Parameter& parameter : parameters) may_differ_.push_back(may_differ(parameter.role.section));
    for (const Ecosystem ecosystem : all_ecosystems()) {
      if (!options.ecosystem || *options.ecosystem == ecosystem) schemes_.emplace_back(ecosystem, parameters);
    }
  }

  CheckpointMatch match() {
    CheckpointMatch match = {file_, {}, {}};
    std::vector<std::string> others = file_.other_entries();
    if (const CheckpointEntry* const entry = choose_entry(others); entry != nullptr && entry->key != file_.entry()) {
      match.file = file_.with_entry(*entry);
      std::erase(others, entry->key);
      if (known_entry(file_.entry())) others.insert(others.begin(), file_.entry());
    }
    const Listing listing(match.file);
    const Candidate candidate = detect(listing);
    check_prefix(candidate);
    match.report = report(listing, candidate);
    match.report.entry = match.file.entry();
    match.report.other_entries = std::move(others);
    for (size_t id = 0; id < parameters_.size(); ++id) {
      match.sources.push_back(candidate.matches(id) ? candidate.found[id] : nullptr);
      if (match.sources.back() == nullptr || all_finite(*match.sources.back())) continue;
      match.report.non_finite.push_back(match.sources.back()->name);
      match.report.acceptable = false;
    }
    return match;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw WeightError(fmt::format("{}: {}", file_.path().string(), problem));
  }

  bool may_differ(Section section) const {
    return std::ranges::find(options_.allow_missing, section) != options_.allow_missing.end();
  }

  /// The state dict that fits, else the one that comes nearest; nullptr where there is no choice. Those under the keys
  /// that training programs use come first, in their order, then the file itself; of others only one may fit. `others`
  /// gets what fits as well.
  const CheckpointEntry* choose_entry(std::vector<std::string>& others) const {
    const std::vector<const CheckpointEntry*> entries = file_.entries();
    if (entries.size() < 2) return nullptr;
    std::vector<const CheckpointEntry*> fitting;
    const CheckpointEntry* nearest = nullptr;
    size_t most_found = 0;
    for (const CheckpointEntry* const entry : entries) {
      const Listing listing(entry->tensors, entry->others);
      const Candidate candidate = best_candidate(listing);
      if (candidate.fits && report(listing, candidate).acceptable) fitting.push_back(entry);
      const bool is_nearer =
          candidate.names_found > most_found || (candidate.names_found == most_found && is_opened(*entry));
      if (is_nearer) nearest = entry;
      most_found = std::max(most_found, candidate.names_found);
    }
    if (fitting.empty()) return nearest;
    const auto rank = [](const CheckpointEntry* entry) {
      return known_entry(entry->key).value_or(entry->key.empty() ? kSelf : kUnknown);
    };
    const CheckpointEntry* const best = *std::ranges::min_element(fitting, {}, rank);
    if (fitting.size() > 1 && rank(best) == kUnknown) {
      std::vector<std::string> keys;
      for (const CheckpointEntry* const entry : fitting) keys.push_back(quoted_name(entry->key));
      fail(
          fmt::format("several of its state dicts fit the network: {}; say which with model.checkpoint.entry (--set "
                      "model.checkpoint.entry={})",
                      fmt::join(keys, ", "), fitting.front()->key));
    }
    for (const CheckpointEntry* const entry : fitting) {
      if (entry != best && !known_entry(entry->key)) others.push_back(entry->key);
    }
    return best;
  }

  bool is_opened(const CheckpointEntry& entry) const { return entry.key == file_.entry(); }

  /// The scheme that fits, else the one that knows most names of the file.
  Candidate best_candidate(const Listing& listing) const {
    std::optional<Candidate> best;
    for (const SchemeNames& scheme : schemes_) {
      Candidate candidate = make_candidate(scheme, listing, may_differ_, file_.wanted_prefix());
      const auto rank = [](const Candidate& c) { return std::pair(c.fits, c.names_found); };
      if (!best || rank(candidate) > rank(*best)) best = std::move(candidate);
    }
    return *std::move(best);
  }

  /// The same for the state dict that is read; two that fit are an error.
  Candidate detect(const Listing& listing) const {
    std::vector<std::string_view> fitting;
    for (const SchemeNames& scheme : schemes_) {
      if (!make_candidate(scheme, listing, may_differ_, file_.wanted_prefix()).fits) continue;
      fitting.push_back(to_string(scheme.ecosystem));
      if (fitting.size() < 2) continue;
      fail(fmt::format("the names of both {} and {} fit; say which with checkpoint.scheme", fitting[0], fitting[1]));
    }
    return best_candidate(listing);
  }

  void check_prefix(const Candidate& candidate) const {
    if (candidate.other_prefix.empty()) return;
    fail(
        fmt::format("all tensors of the network are there behind both {} and {}; say which with model.checkpoint.entry "
                    "(--set model.checkpoint.entry={})",
                    quoted_name(candidate.prefix), quoted_name(candidate.other_prefix), candidate.prefix));
  }

  /// All but the values.
  LoadReport report(const Listing& listing, const Candidate& candidate) const {
    LoadReport report;
    report.file = file_.path();
    report.total = parameters_.size();
    if (!parameters_.empty()) report.names = parameters_.front().names;
    report.requested = options_.ecosystem.has_value();
    report.ecosystem = candidate.scheme->ecosystem;
    report.detected = !report.requested && candidate.fits;
    report.stripped_prefix = candidate.prefix;
    report.acceptable = collect_unexpected(listing, candidate, report);
    for (size_t id = 0; id < parameters_.size(); ++id) {
      if (candidate.matches(id)) {
        ++report.matched;
      } else {
        collect_mismatch(listing, candidate, id, report);
        report.acceptable = report.acceptable && may_differ_[id];
      }
    }
    return report;
  }

  /// Lists the tensors of the file that no parameter asks for; true if all of them are in sections that may differ.
  bool collect_unexpected(const Listing& listing, const Candidate& candidate, LoadReport& report) const {
    std::set<std::string> known;  // with what torch's batch norm counts and inference does not need
    for (size_t id = 0; id < parameters_.size(); ++id) {
      const std::optional<ExpectedTensor>& tensor = candidate.scheme->tensors[id];
      if (!tensor) continue;
      const std::string name = candidate.prefix + tensor->name;
      known.insert(name);
      if (parameters_[id].role.layer == Layer::kNorm) {
        known.insert(name.substr(0, name.rfind('.')) + ".num_batches_tracked");
      }
    }
    bool tolerable = true;
    for (const StoredTensor& tensor : listing.tensors) {
      if (known.contains(tensor.name)) continue;
      if (is_extra_state(tensor.name)) {
        report.ignored.push_back(tensor.name);
        continue;
      }
      if (!tensor.name.starts_with(candidate.prefix)) {
        report.outside_prefix.push_back(tensor.name);
        continue;
      }
      const std::string_view name = std::string_view(tensor.name).substr(candidate.prefix.size());
      if (is_training_only(report.ecosystem, name, report.names.get())) {
        report.ignored.push_back(tensor.name);
        continue;
      }
      report.unexpected.push_back(tensor.name);
      tolerable = tolerable && may_differ(section_of_tensor(report.ecosystem, name, report.names.get()));
    }
    for (const auto& [name, what] : listing.others) {
      if (is_extra_state(name)) report.ignored.push_back(name);
    }
    return tolerable;
  }

  void collect_mismatch(const Listing& listing, const Candidate& candidate, size_t id, LoadReport& report) const {
    const StoredTensor* const found = candidate.found[id];
    const std::optional<ExpectedTensor>& expected = candidate.scheme->tensors[id];
    if (!expected) {
      report.missing.push_back(candidate.scheme->unnamed[id]);
    } else if (found == nullptr) {
      const std::string name = candidate.prefix + expected->name;
      const auto other = listing.others.find(name);
      report.missing.push_back(
          other == listing.others.end() ? name : fmt::format("{} (there is {} in its place)", name, other->second));
    } else if (!is_floating(found->dtype)) {
      report.wrong_type.push_back(found->name);
    } else {
      report.misshaped.push_back({found->name, expected->shape, found->shape, parameters_[id].role.rows_per_class});
    }
  }

  static constexpr size_t kSelf = 100;
  static constexpr size_t kUnknown = 101;

  std::span<const Parameter> parameters_;
  const CheckpointFile& file_;
  const LoadOptions& options_;
  std::vector<bool> may_differ_;
  std::vector<SchemeNames> schemes_;
};

}  // namespace

CheckpointMatch match_checkpoint(std::span<const Parameter> parameters, const CheckpointFile& file,
                                 const LoadOptions& options) {
  return Matcher(parameters, file, options).match();
}

}  // namespace zoo::weights
